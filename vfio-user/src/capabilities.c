/* SPDX-License-Identifier: BSD-3-Clause */
/* VERSION's JSON, by jansson. Names and meanings: vfio-user specification, section VFIO_USER_VERSION. */
#include "capabilities.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "vfio_user/protocol.h"

/* The numbers, in one table for both directions. */
static const struct {
	const char *name;
	uint32_t said;
	size_t offset; /* in struct vfu_capabilities */
} numbers[] = {
	{ "max_msg_fds", VFU_SAID_MAX_MESSAGE_FDS,
	  offsetof(struct vfu_capabilities, max_message_fds) },
	{ "max_data_xfer_size", VFU_SAID_MAX_DATA_TRANSFER,
	  offsetof(struct vfu_capabilities, max_data_transfer_bytes) },
	{ "max_dma_maps", VFU_SAID_MAX_DMA_MAPS, offsetof(struct vfu_capabilities, max_dma_maps) },
	{ "pgsizes", VFU_SAID_PAGE_SIZES, offsetof(struct vfu_capabilities, page_sizes) },
};

static int parse_object(const json_t *object, struct vfu_capabilities *capabilities,
			const char **why)
{
	const json_t *value;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint64_t number;

		value = json_object_get(object, numbers[i].name);
		if (!value)
			continue;
		if (!json_is_integer(value) || json_integer_value(value) < 0) {
			*why = "a capability is not a whole number";
			return -EINVAL;
		}
		number = (uint64_t)json_integer_value(value);
		memcpy((char *)capabilities + numbers[i].offset, &number, sizeof(number));
		capabilities->said |= numbers[i].said;
	}
	value = json_object_get(object, "write_multiple");
	if (value) {
		if (!json_is_boolean(value)) {
			*why = "write_multiple is not true or false";
			return -EINVAL;
		}
		capabilities->write_multiple = json_is_true(value);
		capabilities->said |= VFU_SAID_WRITE_MULTIPLE;
	}
	return 0;
}

int vfu_capabilities_parse(const void *data, size_t length_bytes,
			   struct vfu_capabilities *capabilities, const char **why)
{
	json_t *root;
	const json_t *object;
	int error = 0;

	*capabilities = (struct vfu_capabilities){
		.max_message_fds = VFU_DEFAULT_MAX_MESSAGE_FDS,
		.max_data_transfer_bytes = VFU_DEFAULT_MAX_DATA_TRANSFER_BYTES,
		.max_dma_maps = VFU_DEFAULT_MAX_DMA_MAPS,
		.page_sizes = VFU_DEFAULT_PAGE_SIZES,
	};
	if (length_bytes == 0)
		return 0;
	if (length_bytes > VFU_CAPABILITIES_MAX_BYTES) {
		*why = "the version data is too long";
		return -EINVAL;
	}
	if (strnlen(data, length_bytes) != length_bytes - 1) {
		*why = "the version data is not one string with its NUL";
		return -EINVAL;
	}
	root = json_loadb(data, length_bytes - 1, JSON_REJECT_DUPLICATES, NULL);
	object = json_object_get(root, "capabilities");
	if (!json_is_object(root)) {
		*why = "the version data is not a JSON object";
		error = -EINVAL;
	} else if (object && !json_is_object(object)) {
		*why = "capabilities is not a JSON object";
		error = -EINVAL;
	} else if (object) {
		error = parse_object(object, capabilities, why);
	}
	json_decref(root);
	return error;
}

char *vfu_capabilities_format(const struct vfu_capabilities *capabilities)
{
	json_t *root = json_object();
	json_t *object = json_object();
	char *text = NULL;
	int failed = 0;

	/* Whether it succeeds or not, root has taken over object's reference. */
	if (json_object_set_new(root, "capabilities", object) < 0) {
		json_decref(root);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint64_t number;

		if (!(capabilities->said & numbers[i].said))
			continue;
		memcpy(&number, (const char *)capabilities + numbers[i].offset, sizeof(number));
		failed |= json_object_set_new(object, numbers[i].name,
					      json_integer((json_int_t)number));
	}
	if (capabilities->said & VFU_SAID_WRITE_MULTIPLE)
		failed |= json_object_set_new(object, "write_multiple",
					      json_boolean(capabilities->write_multiple));
	if (!failed)
		text = json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(root);
	return text;
}
