/* SPDX-License-Identifier: BSD-3-Clause */
/* The JSON text of a VERSION message: what each side can do. */
#ifndef VFU_CAPABILITIES_H
#define VFU_CAPABILITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Longest text that is read. */
#define VFU_CAPABILITIES_MAX_BYTES 4096

/** vfu_capabilities.said: which of them the text names */
#define VFU_SAID_MAX_MESSAGE_FDS   0x01u
#define VFU_SAID_MAX_DATA_TRANSFER 0x02u
#define VFU_SAID_MAX_DMA_MAPS	   0x04u
#define VFU_SAID_PAGE_SIZES	   0x08u
#define VFU_SAID_WRITE_MULTIPLE	   0x10u
#define VFU_SAID_ALL		   0x1fu

struct vfu_capabilities {
	uint32_t said;
	uint64_t max_message_fds;
	uint64_t max_data_transfer_bytes;
	uint64_t max_dma_maps;
	uint64_t page_sizes;
	bool write_multiple;
};

/**
 * Reads the version data of a message; what it does not name has the protocol's default.
 *
 * @param data    length_bytes of it: none, or one string with its NUL
 * @param[out] why  what is wrong, if something is
 * @return 0 or -EINVAL
 */
int vfu_capabilities_parse(const void *data, size_t length_bytes,
			   struct vfu_capabilities *capabilities, const char **why);

/**
 * Writes those that `said` names.
 *
 * @return a string, the caller's to free(), or NULL if there is no memory
 */
char *vfu_capabilities_format(const struct vfu_capabilities *capabilities);

#endif
