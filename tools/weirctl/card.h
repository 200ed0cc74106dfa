/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A card as weirctl reaches it: admin commands and registers, over whatever way there is. One of
 *   driver.c    the kernel driver that has the PCI function: debugfs, ethtool
 *   mailbox.c   a PCI function's BAR0, when no driver of ours has it (libpci finds it, sysfs maps it)
 *   control.c   the management socket of a weir-sim
 * Errors are negative errno with a message in card->error that says what to do.
 */
#ifndef WEIRCTL_CARD_H
#define WEIRCTL_CARD_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "weir/weir_abi.h"

struct card;

struct card_ops {
	/* Runs an admin command. Returns enum weir_status, or negative errno when it could not be delivered. */
	int (*command)(struct card *card, uint16_t opcode, const void *request,
		       uint32_t request_bytes, void *response, uint32_t capacity,
		       uint32_t *response_bytes, uint32_t *detail);
	/* Reads a register of BAR0 of `function` (0 only where a function was opened, and that is it). */
	int (*read_register)(struct card *card, uint16_t function, uint32_t offset, uint32_t *value);
	void (*close)(struct card *card);
};

struct card {
	const struct card_ops *ops;
	char name[256]; /* 0000:01:00.0, or the socket's path */
	char error[640];
	char driver[64]; /* kernel driver bound to it, empty: none */
	void *private;
};

/* Opens a card by PCI address (0000:01:00.0 or 01:00.0) or by a weir-sim's directory or control socket. */
int card_open(struct card *card, const char *name);
void card_close(struct card *card);

/* card->name and card->driver say which function. card_open_driver(): -ENOENT when its driver has no door. */
int card_open_mailbox(struct card *card);
int card_open_driver(struct card *card);
int card_open_control(struct card *card, const char *path);

/* ---- requests and responses ---- */

struct request {
	uint8_t data[WEIR_ADMIN_DATA_MAX_BYTES];
	uint32_t bytes;
};

struct response {
	uint8_t data[WEIR_ADMIN_DATA_MAX_BYTES];
	uint32_t bytes;
};

/* Appends an attribute (marked MUST): integers and MACs by value (MAC: first byte lowest). */
void request_add(struct request *request, enum weir_attribute_id id, uint64_t value);
/* Runs it; 0, or negative errno with card->error set, also for a command that the card refused. */
int card_command(struct card *card, enum weir_command opcode, const struct request *request,
		 struct response *response);
/* An attribute's value; false: absent. */
bool response_get(const struct response *response, enum weir_attribute_id id, uint64_t *value);
const void *response_bytes(const struct response *response, enum weir_attribute_id id,
			   uint32_t *bytes);
/* All attributes of a response as a JSON object, with the names of the specification; RECORDS and STATISTICS are left out. */
json_t *response_json(const struct response *response);

/* "PF", "VF 3", "-" for FUNCTION_SELF; text holds it. */
const char *function_text(uint16_t function, char text[16]);

/* Name of a value in a list of weir_tables.h, NULL: none. */
struct weir_name;
const char *name_of(const struct weir_name *names, int value);
/* Value of a name, -1: none. */
int value_of(const struct weir_name *names, const char *name);

/* "02:00:00:00:00:01" both ways; value has the first byte lowest. False: not a MAC address. */
bool mac_parse(const char *text, uint64_t *mac);
const char *mac_text(uint64_t mac, char text[18]);

#endif
