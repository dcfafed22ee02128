// SPDX-License-Identifier: MIT
/*
 * xend-config.sxp: what its lines network-script and vif-script say of the network, and nothing
 * else of it.  The words are xend's: (network-script 'network-route netdev=lan').
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "halfback/network.h"

enum {
	ATOM_MAX = 256
};

enum token {
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_ATOM,
	TOKEN_END,
	TOKEN_BAD, /* a sentence was written */
};

struct line {
	int number; /* 0 = it is not there */
	char text[ATOM_MAX];
};

struct sxp {
	struct network *network;
	FILE *f;
	int line, depth;
	char atom[ATOM_MAX]; /* of the last TOKEN_ATOM, cut off at its end */
	struct line network_script, vif_script;
};

static int sxp_char(struct sxp *sxp)
{
	int c = getc(sxp->f);

	sxp->line += c == '\n';
	return c;
}

static void sxp_unread(struct sxp *sxp, int c)
{
	sxp->line -= c == '\n';
	ungetc(c, sxp->f);
}

/* strchr() would find the end of its string, too. */
static bool is_mark(int c)
{
	return c && strchr("()'\"#", c);
}

/* What is between two quotes, or one word.  Starts with C. */
static enum token sxp_atom(struct sxp *sxp, int c)
{
	int quote = c == '\'' || c == '"' ? c : 0, line = sxp->line;
	size_t len = 0;

	if (quote)
		c = sxp_char(sxp);
	while (c != EOF && (quote ? c != quote : !isspace(c) && !is_mark(c))) {
		if (len + 1 < sizeof(sxp->atom))
			sxp->atom[len++] = (char)c;
		c = sxp_char(sxp);
	}
	sxp->atom[len] = '\0';
	if (quote && c == EOF) {
		network_complain(sxp->network, line, "the quote that opens here is never closed");
		return TOKEN_BAD;
	}
	if (!quote)
		sxp_unread(sxp, c);
	return TOKEN_ATOM;
}

static enum token sxp_token(struct sxp *sxp)
{
	bool comment = false;
	int c;

	do {
		c = sxp_char(sxp);
		comment = c == '#' || (comment && c != '\n');
	} while (c != EOF && (comment || isspace(c)));
	switch (c) {
	case EOF:
		return TOKEN_END;
	case '(':
		return TOKEN_OPEN;
	case ')':
		return TOKEN_CLOSE;
	default:
		return sxp_atom(sxp, c);
	}
}

/* The first word of an outermost list was read: the next one may be a script. */
static int sxp_entry(struct sxp *sxp)
{
	struct line *line = strcmp(sxp->atom, "network-script") == 0 ? &sxp->network_script
			    : strcmp(sxp->atom, "vif-script") == 0   ? &sxp->vif_script
								     : NULL;

	if (!line)
		return 0;
	if (line->number)
		return network_complain(sxp->network, sxp->line,
					"a script of this kind is in line %d already; remove one",
					line->number);
	line->number = sxp->line;
	switch (sxp_token(sxp)) {
	case TOKEN_ATOM:
		memcpy(line->text, sxp->atom, sizeof(line->text));
		return 0;
	case TOKEN_BAD:
		return -EINVAL;
	default:
		return network_complain(sxp->network, line->number, "no script is named here");
	}
}

static int sxp_end(const struct sxp *sxp)
{
	if (sxp->depth == 0)
		return 0;
	return network_complain(sxp->network, sxp->line, "a ')' is missing");
}

/* All lists, to the end of the file. */
static int sxp_walk(struct sxp *sxp)
{
	bool first = false;

	for (;;) {
		switch (sxp_token(sxp)) {
		case TOKEN_OPEN:
			first = ++sxp->depth == 1;
			break;
		case TOKEN_CLOSE:
			first = false;
			if (--sxp->depth < 0)
				return network_complain(sxp->network, sxp->line,
							"this ')' closes nothing");
			break;
		case TOKEN_ATOM:
			if (first && sxp_entry(sxp) < 0)
				return -EINVAL;
			first = false;
			break;
		case TOKEN_END:
			return sxp_end(sxp);
		case TOKEN_BAD:
			return -EINVAL;
		}
	}
}

/* KEY=VALUE of a script; netdev= may be in both lines. */
static int script_word(struct network *network, char *word, int line)
{
	char *value = strchr(word, '=');

	if (!value)
		return network_complain(network, line, "'%.80s' is no KEY=VALUE", word);
	*value++ = '\0';
	if (strcmp(word, "vifnum") == 0)
		return network_complain(network, line,
					"vifnum= was for Xen 3's numbered bridges; name the "
					"bridge instead: bridge=xenbr%.8s",
					value);
	if (strcmp(word, "netdev") == 0 && strcmp(value, network->value[NETWORK_NETDEV]) == 0)
		return 0;
	return network_set(network, word, value, line);
}

/* "route" of network-route; NULL for what is no script of xend's. */
static const char *script_mode(const char *name, const char *kind)
{
	size_t len = strlen(kind);

	if (strncmp(name, kind, len) != 0 || name[len] != '-')
		return NULL;
	name += len + 1;
	return strcmp(name, "bridge") == 0 || strcmp(name, "route") == 0 || strcmp(name, "nat") == 0
		       ? name
		       : NULL;
}

/* "network-route netdev=lan": the name has the mode, and two lines have to agree on it. */
static int script_read(struct network *network, const char *kind, struct line *line)
{
	char *save, *word = strtok_r(line->text, " \t\n", &save);
	const char *name = word ? word : "", *mode = script_mode(name, kind);

	if (!mode)
		return network_complain(network, line->number,
					"'%.80s' is none of %s-bridge, %s-route and %s-nat; write "
					"/etc/xen/halfback.conf instead",
					name, kind, kind, kind);
	if (network->line[NETWORK_MODE] && strcmp(network->value[NETWORK_MODE], mode) != 0)
		return network_complain(network, line->number,
					"%s-%s does not go with the network-%s of line %d; write "
					"/etc/xen/halfback.conf instead",
					kind, mode, network->value[NETWORK_MODE],
					network->line[NETWORK_MODE]);
	if (!network->line[NETWORK_MODE] && network_set(network, "mode", mode, line->number) < 0)
		return -EINVAL;
	while ((word = strtok_r(NULL, " \t\n", &save))) {
		if (script_word(network, word, line->number) < 0)
			return -EINVAL;
	}
	return 0;
}

int network_read_sxp(struct network *network, FILE *f)
{
	struct sxp sxp = {.network = network, .f = f, .line = 1};

	if (sxp_walk(&sxp) < 0)
		return -EINVAL;
	if (strcmp(sxp.network_script.text, "network-dummy") == 0) {
		network->nothing = true;
		return 0;
	}
	if (!sxp.network_script.number && !sxp.vif_script.number)
		return network_complain(network, 0, "it has no line (network-script ...)");
	if (sxp.network_script.number && script_read(network, "network", &sxp.network_script) < 0)
		return -EINVAL;
	return sxp.vif_script.number ? script_read(network, "vif", &sxp.vif_script) : 0;
}
