/* SPDX-License-Identifier: BSD-3-Clause */
/* The parser (firmware/datapath/parse.h): known answers, and whatever is cut off. */
#include "suites.h"

#include "datapath/flow.h"
#include "datapath/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse_vectors.h"

static uint32_t load16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static bool has_tag(const uint8_t *frame)
{
	return load16(frame + 12) == 0x8100 || load16(frame + 12) == 0x88a8;
}

/* Parses the first `copied` bytes of a frame as the datapath does; they lie at the end of their memory, so that ASan sees more. */
static struct weir_layers parse(const uint8_t *frame, uint32_t copied, uint32_t frame_bytes)
{
	struct weir_layers layers;
	bool tagged = has_tag(frame);
	uint8_t *copy = malloc(copied);

	WEIR_REQUIRE(copy != NULL);
	memcpy(copy, frame, copied);
	memset(&layers, 0xa5, sizeof(layers));
	weir_parse(copy, copied, tagged ? 16 : 12, tagged, frame_bytes, &layers);
	free(copy);
	return layers;
}

static bool same_layer(const struct weir_layer *a, const struct weir_layer *b, uint32_t shift)
{
	if (b->l3_kind == WEIR_PACKET_L3_OTHER)
		shift = 0;
	return a->l3_kind == b->l3_kind && a->l4_kind == b->l4_kind && a->flags == b->flags &&
	       a->l3 == b->l3 + shift && a->l4 == b->l4 + shift &&
	       a->payload == b->payload + (b->payload ? shift : 0) && a->end == b->end + shift;
}

/* Is a what b is, `shift` bytes further on? */
static bool same(const struct weir_layers *a, const struct weir_layers *b, uint32_t shift)
{
	return a->tunnel == b->tunnel && same_layer(&a->outer, &b->outer, shift) &&
	       same_layer(&a->inner, &b->inner, shift);
}

static void show(const char *name, const struct weir_layers *layers)
{
	const struct weir_layer *layer = &layers->outer;

	for (int i = 0; i < 2; i++, layer = &layers->inner)
		printf("# %s: %s l3 %u at %u, l4 %u at %u, flags %u, payload %u, end %u, tunnel %u\n",
		       name, i ? "inner" : "outer", layer->l3_kind, layer->l3, layer->l4_kind,
		       layer->l4, layer->flags, layer->payload, layer->end, layers->tunnel);
}

/* ---- whole frames ---- */

static void headers_are_where_tshark_says(void)
{
	uint32_t by_tshark = 0;

	for (size_t i = 0; i < WEIR_TESTS(vectors); i++) {
		const struct vector *vector = &vectors[i];
		struct weir_layers layers = parse(vector->frame, vector->bytes, vector->bytes);

		if (!same(&layers, &vector->layers, 0)) {
			show(vector->name, &layers);
			show("should be", &vector->layers);
		}
		WEIR_EXPECT(same(&layers, &vector->layers, 0));
		by_tshark += vector->by_tshark;
	}
	WEIR_EXPECT(by_tshark > 40);
}

static void a_private_copy_tells_as_much_as_a_frame_from_the_wire(void)
{
	for (size_t i = 0; i < WEIR_TESTS(vectors); i++) {
		const struct vector *vector = &vectors[i];
		uint32_t copied = vector->bytes < WEIR_HEADER_BYTES ? vector->bytes
								    : WEIR_HEADER_BYTES;
		struct weir_layers layers = parse(vector->frame, copied, vector->bytes);

		WEIR_EXPECT(same(&layers, &vector->layers, 0));
	}
}

/* A vport can leave the tag to its descriptor: then it is not in the copy. */
static void a_tag_beside_the_frame_changes_nothing(void)
{
	uint32_t tried = 0;

	for (size_t i = 0; i < WEIR_TESTS(vectors); i++) {
		const struct vector *vector = &vectors[i];
		struct weir_layers layers;
		uint8_t copy[WEIR_HEADER_BYTES];

		if (!has_tag(vector->frame))
			continue;
		uint32_t bytes = vector->bytes - 4,
			 copied = bytes < WEIR_HEADER_BYTES ? bytes : WEIR_HEADER_BYTES;

		memcpy(copy, vector->frame, 12);
		memcpy(copy + 12, vector->frame + 16, copied - 12);
		weir_parse(copy, copied, 12, 1, bytes, &layers);
		WEIR_EXPECT(same(&vector->layers, &layers, 4));
		tried++;
	}
	WEIR_EXPECT(tried >= 10);
}

/* ---- frames that are cut ---- */

static bool sane_layer(const struct weir_layer *layer, uint32_t copied, uint32_t frame_bytes)
{
	if (layer->l3_kind == WEIR_PACKET_L3_OTHER)
		return !layer->l4_kind && !layer->flags && !layer->l3 && !layer->l4 &&
		       !layer->payload && !layer->end;
	if (layer->l3 < 14 || layer->l4 < layer->l3 + 20u || layer->l4 > layer->end ||
	    layer->l4 > copied || layer->end > frame_bytes)
		return false;
	if (!(layer->flags & WEIR_LAYER_L4_WHOLE))
		return !layer->payload;
	return layer->l4_kind != WEIR_PACKET_L4_OTHER &&
	       layer->l4_kind != WEIR_PACKET_L4_FRAGMENT && layer->payload >= layer->l4 + 8u &&
	       layer->payload <= copied && layer->payload <= layer->end;
}

static bool sane(const struct weir_layers *layers, uint32_t copied, uint32_t frame_bytes)
{
	return sane_layer(&layers->outer, copied, frame_bytes) &&
	       sane_layer(&layers->inner, copied, layers->outer.end) &&
	       layers->tunnel <= WEIR_PACKET_TUNNEL_GENEVE;
}

/* Nothing is read beyond the copy, and nothing is said of what is not in it. */
static void frames_cut_anywhere_are_believed_as_far_as_they_go(void)
{
	for (size_t i = 0; i < WEIR_TESTS(vectors); i++) {
		const struct vector *vector = &vectors[i];
		uint32_t least = has_tag(vector->frame) ? 18 : 14,
			 most = vector->bytes < 160 ? vector->bytes : 160;

		for (uint32_t bytes = least; bytes <= most; bytes++) {
			struct weir_layers cut = parse(vector->frame, bytes, bytes);

			WEIR_EXPECT(sane(&cut, bytes, bytes));
			cut = parse(vector->frame, bytes, vector->bytes);
			WEIR_EXPECT(sane(&cut, bytes, vector->bytes));
			/* A kind is never another one than the whole frame's. */
			WEIR_EXPECT(!cut.outer.l3_kind ||
				    cut.outer.l3_kind == vector->layers.outer.l3_kind);
			WEIR_EXPECT(!cut.outer.l4_kind ||
				    cut.outer.l4_kind == vector->layers.outer.l4_kind ||
				    vector->layers.outer.l4_kind == WEIR_PACKET_L4_OTHER);
		}
	}
}

/* Any one byte of the headers may be anything. */
static void no_value_of_a_byte_leads_out_of_the_copy(void)
{
	static uint8_t frame[2048];

	for (size_t i = 0; i < WEIR_TESTS(vectors); i++) {
		const struct vector *vector = &vectors[i];
		uint32_t copied = vector->bytes < WEIR_HEADER_BYTES ? vector->bytes
								    : WEIR_HEADER_BYTES;

		memcpy(frame, vector->frame, vector->bytes);
		for (uint32_t at = has_tag(frame) ? 16 : 14; at < copied; at++) {
			for (uint32_t value = 0; value < 256; value++) {
				frame[at] = (uint8_t)value;
				struct weir_layers layers = parse(frame, copied, vector->bytes);

				if (!sane(&layers, copied, vector->bytes)) {
					show(vector->name, &layers);
					WEIR_EXPECT(!"sane");
				}
			}
			frame[at] = vector->frame[at];
		}
	}
}

/* What the parser says of how they compare. Both are plain, or they are unlike. */
static enum weir_likeness likeness_of(const uint8_t *a, const struct weir_layers *of_a,
				      const uint8_t *b, const struct weir_layers *of_b)
{
	struct weir_layers ending_with_a = *of_b;
	bool ipv4 = of_a->outer.l3_kind == WEIR_PACKET_L3_IPV4;
	uint32_t addresses = of_a->outer.l3 + (ipv4 ? 12u : 8u);

	ending_with_a.outer.end = of_a->outer.end;
	if (!of_b->plain || !same(of_a, &ending_with_a, 0))
		return WEIR_UNLIKE;
	return memcmp(a + addresses, b + addresses, ipv4 ? 8 : 32) == 0 &&
			       memcmp(a + of_a->outer.l4, b + of_a->outer.l4, 4) == 0
		       ? WEIR_SAME_FLOW
		       : WEIR_SAME_SHAPE;
}

/* The parser is the oracle for what is known of a frame by the one before it: any one byte may be another, in frames of any length. */
static void frames_are_alike_if_the_parser_tells_the_same_of_both(void)
{
	static uint8_t frame[2048];
	uint32_t plain = 0, shapes = 0;

	for (size_t i = 0; i < WEIR_TESTS(vectors); i++) {
		const struct vector *vector = &vectors[i];
		uint32_t most = vector->bytes < WEIR_HEADER_BYTES ? vector->bytes
								  : WEIR_HEADER_BYTES;
		struct weir_layers first = parse(vector->frame, most, vector->bytes);

		if (!first.plain || has_tag(vector->frame))
			continue;
		plain++;
		memcpy(frame, vector->frame, vector->bytes);
		for (uint32_t at = 14; at < most; at++) {
			for (uint32_t value = 0; value < 256; value++) {
				/* Twice: once in a frame with bytes behind the datagram. */
				uint32_t bytes = vector->bytes + (value & 1) * 7;

				frame[at] = (uint8_t)value;
				struct weir_layers layers =
					parse(frame, bytes < most ? bytes : most, bytes);
				enum weir_likeness likeness = weir_flow_compare(
					vector->frame, &first.outer, frame, bytes);

				WEIR_EXPECT_EQ(likeness,
					       likeness_of(vector->frame, &first, frame, &layers));
				shapes += likeness == WEIR_SAME_SHAPE;
				if (likeness != WEIR_UNLIKE)
					WEIR_EXPECT_EQ(weir_flow_end(frame, &first.outer),
						       layers.outer.end);
			}
			frame[at] = vector->frame[at];
		}
		for (uint32_t bytes = 14; bytes <= most; bytes++) {
			struct weir_layers layers = parse(frame, bytes, bytes);

			WEIR_EXPECT_EQ(weir_flow_compare(vector->frame, &first.outer, frame, bytes),
				       likeness_of(vector->frame, &first, frame, &layers));
		}
	}
	/* TCP and UDP over both versions, TCP with options */
	WEIR_EXPECT(plain >= 5);
	/* Addresses and ports of each have 12 bytes at least. */
	WEIR_EXPECT(shapes >= plain * 12 * 200);
}

static const struct weir_test tests[] = {
	{ "datapath.parser.headers_are_where_tshark_says", headers_are_where_tshark_says },
	{ "datapath.parser.a_private_copy_tells_as_much_as_a_frame_from_the_wire",
	  a_private_copy_tells_as_much_as_a_frame_from_the_wire },
	{ "datapath.parser.a_tag_beside_the_frame_changes_nothing",
	  a_tag_beside_the_frame_changes_nothing },
	{ "datapath.parser.frames_cut_anywhere_are_believed_as_far_as_they_go",
	  frames_cut_anywhere_are_believed_as_far_as_they_go },
	{ "datapath.parser.no_value_of_a_byte_leads_out_of_the_copy",
	  no_value_of_a_byte_leads_out_of_the_copy },
	{ "datapath.parser.frames_are_alike_if_the_parser_tells_the_same_of_both",
	  frames_are_alike_if_the_parser_tells_the_same_of_both },
};
const struct suite_part parse_tests = { tests, WEIR_TESTS(tests) };
