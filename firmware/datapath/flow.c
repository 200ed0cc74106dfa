/* SPDX-License-Identifier: BSD-3-Clause */
/* The headers of a burst's frames, parsed once where frames with the same headers come in a row. */
#include "burst.h"
#include "flow.h"

void weir_frame_parse(struct weir_burst *burst, uint32_t number)
{
	struct weir_frame *frame = &burst->frames[number];
	struct weir_layers *layers = &burst->layers[number];
	uint32_t known = number - 1;

	if (!frame->same_shape) {
		/* Two tags in all, which need not be in the copy: nothing more of it is looked at if they are not. */
		uint32_t tags = frame->way.tagged ? 1 : 0, bytes = frame->header_bytes;

		if (WEIR_UNLIKELY(frame->way.tags_inserted > 1)) {
			tags = 0;
			if (bytes > frame->way.rest + WEIR_PARSED_BYTES - 4)
				bytes = frame->way.rest + WEIR_PARSED_BYTES - 4;
		}
		weir_parse(frame->header, bytes, frame->way.rest, tags, frame->bytes, layers);
	} else {
		while (!burst->frames[known].parsed)
			known--;
		*layers = burst->layers[known];
		layers->outer.end = (uint16_t)weir_flow_end(frame->header, &layers->outer);
	}
	frame->parsed = true;
}

static inline __attribute__((always_inline)) uint32_t follow(struct weir_burst *burst,
							     uint32_t first,
							     const struct weir_layer layer)
{
	struct weir_frame *frame = &burst->frames[first + 1],
			  *end = &burst->frames[burst->frame_count];

	for (; frame < end && frame->alike; frame++) {
		enum weir_likeness likeness =
			weir_flow_compare(frame[-1].header, &layer, frame->header, frame->bytes);

		if (likeness == WEIR_UNLIKE)
			break;
		frame->same_shape = true;
		frame->same_flow = likeness == WEIR_SAME_FLOW;
	}
	return (uint32_t)(frame - burst->frames) - first - 1;
}

uint32_t weir_flow_follow(struct weir_burst *burst, uint32_t first)
{
	const struct weir_layers *layers = weir_frame_layers(burst, first);

	if (!layers->plain)
		return 0;
	return WEIR_FLOW_LOOP(follow, &layers->outer, burst, first);
}
