// SPDX-License-Identifier: MIT
/*
 * `halfback stats --json`.  docs/halfback-stats.schema.json is the promise of its form; members may
 * be added to it, and "version" changes if one is taken away or changes its meaning.
 */
#include "halfback/print.h"

#include <stdio.h>
#include <stdlib.h>

#include <json-c/json.h>

/* A number that a file claims may be more than other programs' integers hold. */
static struct json_object *number(uint64_t value)
{
	return json_object_new_int64(value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static void set(struct json_object *object, const char *key, struct json_object *value)
{
	if (json_object_object_add(object, key, value) < 0)
		abort(); /* out of memory */
}

/* Only the steps that counted something: [longest ns, how many]. */
static struct json_object *buckets_json(const struct stats_histogram *histogram)
{
	struct json_object *buckets = json_object_new_array();

	for (uint32_t i = 0; i < STATS_STEPS; i++) {
		struct json_object *bucket;

		if (histogram->step[i] == 0)
			continue;
		bucket = json_object_new_array_ext(2);
		json_object_array_add(bucket, number(stats_step_top(i)));
		json_object_array_add(bucket, number(histogram->step[i]));
		json_object_array_add(buckets, bucket);
	}
	return buckets;
}

static struct json_object *latency_json(const struct stats_histogram *histogram)
{
	struct json_object *latency = json_object_new_object();

	set(latency, "count", number(stats_samples(histogram)));
	set(latency, "sum", number(histogram->sum_ns));
	set(latency, "p50", number(stats_percentile(histogram, 50)));
	set(latency, "p99", number(stats_percentile(histogram, 99)));
	set(latency, "p999", number(stats_percentile(histogram, 99.9)));
	set(latency, "buckets", buckets_json(histogram));
	return latency;
}

static struct json_object *op_json(const struct stats_queue *queue, int op)
{
	struct json_object *object = json_object_new_object();

	set(object, "requests", number(queue->op[op].requests));
	set(object, "errors", number(queue->op[op].errors));
	set(object, "bytes", number(queue->op[op].bytes));
	if (op < STATS_TIMED)
		set(object, "latency_ns", latency_json(&queue->histogram[op]));
	return object;
}

static struct json_object *queue_json(const struct vbd *vbd, const struct stats_queue *queue)
{
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{"ring_slots", queue->ring_slots},
		{"in_flight", queue->in_flight},
		{"grants_held", queue->grants_held},
		{"indirect", queue->indirect},
		{"turns", queue->turns},
		{"ring_full", queue->ring_full},
		{"limited", queue->limited},
		{"kicks", queue->kicks},
		{"notifies", queue->notifies},
		{"copy_calls", queue->copy_calls},
		{"copy_segments", queue->copy_segments},
		{"copies_refused", queue->copies_refused},
		{"grant_maps", queue->grant_maps},
		{"grant_hits", queue->grant_hits},
	};
	struct json_object *object = json_object_new_object();

	for (int op = 0; op < STATS_OPS; op++)
		if (op_name(vbd, op))
			set(object, op_name(vbd, op), op_json(queue, op));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		set(object, numbers[i].key, number(numbers[i].value));
	return object;
}

static struct json_object *vbd_json(const struct vbd *vbd)
{
	struct json_object *object = json_object_new_object(), *queues;

	set(object, "guest", json_object_new_string(vbd->guest));
	set(object, "domid", json_object_new_int64(vbd->domid));
	set(object, "devid", json_object_new_int64(vbd->devid));
	set(object, vbd->nic ? "interface" : "disk", json_object_new_string(vbd->vdev));
	set(object, "kind", json_object_new_string(vbd->kind));
	set(object, vbd->nic ? "bridge" : "image", json_object_new_string(vbd->image));
	set(object, "state", json_object_new_string(vbd->state));
	if (vbd->error)
		set(object, "error", json_object_new_string(vbd->error));
	if (!vbd->counted)
		return object;
	set(object, "engine", json_object_new_string(vbd->stats.header.engine));
	set(object, "generation", json_object_new_int64(vbd->stats.header.generation));
	set(object, "since", json_object_new_double(vbd->since_epoch));
	set(object, "seconds", json_object_new_double(vbd->seconds));
	if (vbd->dropped >= 0)
		set(object, "interface_dropped", json_object_new_int64(vbd->dropped));
	set(object, "total", queue_json(vbd, &vbd->sum));
	queues = json_object_new_array();
	for (uint32_t i = 0; i < vbd->stats.header.queues; i++)
		json_object_array_add(queues, queue_json(vbd, &vbd->stats.queue[i]));
	set(object, "queues", queues);
	return object;
}

void print_json(const struct vbds *vbds)
{
	struct json_object *root = json_object_new_object(), *disks = json_object_new_array();
	struct json_object *nics = json_object_new_array();

	for (size_t i = 0; i < vbds->count; i++)
		json_object_array_add(vbds->vbd[i].nic ? nics : disks, vbd_json(&vbds->vbd[i]));
	set(root, "version", json_object_new_int64(1));
	set(root, "disks", disks);
	set(root, "nics", nics);
	puts(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(root);
}
