// SPDX-License-Identifier: MIT
/* What netload prints: a result as a few lines or as one JSON object. */
#include <stdio.h>

#include "loopback/netload.h"

static void result_add(struct load_result *sum, const struct load_result *r)
{
	sum->packets += r->packets;
	sum->bytes += r->bytes;
	sum->lost += r->lost;
	sum->reordered += r->reordered;
	sum->corrupt += r->corrupt;
	sum->foreign += r->foreign;
	sum->errors += r->errors;
	if (r->first_ns && (!sum->first_ns || r->first_ns < sum->first_ns))
		sum->first_ns = r->first_ns;
	if (r->last_ns > sum->last_ns)
		sum->last_ns = r->last_ns;
}

static void stats_add(struct netfront_stats *sum, const struct netfront_stats *s)
{
	sum->tx_errors += s->tx_errors;
	sum->tx_dropped += s->tx_dropped;
	sum->rx_errors += s->rx_errors;
	sum->tx_notifies += s->tx_notifies;
	sum->rx_notifies += s->rx_notifies;
	sum->events += s->events;
}

static void print_json(const struct load_opts *o, const struct load_result *r,
		       const struct netfront_stats *s, unsigned int queues, double seconds)
{
	printf("{\"op\": \"%s\", \"queues\": %u, \"size\": %u, \"seconds\": %.6f, "
	       "\"packets\": %llu, \"bytes\": %llu, \"pps\": %.0f, "
	       "\"lost\": %llu, \"reordered\": %llu, \"corrupt\": %llu, \"foreign\": %llu, "
	       "\"errors\": %llu, ",
	       o->sink ? "sink" : "send", queues, o->size, seconds, (unsigned long long)r->packets,
	       (unsigned long long)r->bytes, seconds > 0 ? (double)r->packets / seconds : 0,
	       (unsigned long long)r->lost, (unsigned long long)r->reordered,
	       (unsigned long long)r->corrupt, (unsigned long long)r->foreign,
	       (unsigned long long)r->errors);
	printf("\"tx_errors\": %llu, \"tx_dropped\": %llu, \"rx_errors\": %llu, "
	       "\"tx_notifies\": %llu, \"rx_notifies\": %llu, \"events\": %llu}\n",
	       (unsigned long long)s->tx_errors, (unsigned long long)s->tx_dropped,
	       (unsigned long long)s->rx_errors, (unsigned long long)s->tx_notifies,
	       (unsigned long long)s->rx_notifies, (unsigned long long)s->events);
}

void load_report(const struct load_opts *o, const struct load_queue *lq, unsigned int queues)
{
	struct netfront_stats s = {0};
	struct load_result r = {0};
	double seconds;

	for (unsigned int i = 0; i < queues; i++) {
		result_add(&r, &lq[i].result);
		if (lq[i].q)
			stats_add(&s, netfront_stats(lq[i].q));
	}
	seconds = r.last_ns > r.first_ns ? (double)(r.last_ns - r.first_ns) / 1e9 : 0;
	if (o->json) {
		print_json(o, &r, &s, queues, seconds);
		return;
	}
	printf("%s: %llu packets of %u queues in %.2f s, %.0f per second\n",
	       o->sink ? "came" : "sent", (unsigned long long)r.packets, queues, seconds,
	       seconds > 0 ? (double)r.packets / seconds : 0);
	if (o->sink)
		printf("%llu lost, %llu out of order, %llu corrupt, %llu of others\n",
		       (unsigned long long)r.lost, (unsigned long long)r.reordered,
		       (unsigned long long)r.corrupt, (unsigned long long)r.foreign);
	else
		printf("%llu not taken, %llu answered with an error, %llu dropped\n",
		       (unsigned long long)r.errors, (unsigned long long)s.tx_errors,
		       (unsigned long long)s.tx_dropped);
}
