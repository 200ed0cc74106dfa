/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of weirctl. A command takes an open card and prints; it returns 0 or negative errno with card->error set. */
#ifndef WEIRCTL_H
#define WEIRCTL_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <pci/pci.h>

#include "card.h"

struct options {
	bool json;
	bool follow; /* log -f */
	int argc;    /* what stands behind command and card */
	char **argv;
};

int command_list(const struct options *options);
int command_info(struct card *card, const struct options *options);
int command_vf(struct card *card, const struct options *options);
int command_stats(struct card *card, const struct options *options);
int command_regs(struct card *card, const struct options *options);
int command_log(struct card *card, const struct options *options);
int command_trace(struct card *card, const struct options *options);

/* list.c */
struct pci_access *weirctl_pci(void);
bool weirctl_is_weir(struct pci_dev *device);
/* Name of the kernel driver bound to it; empty: none. */
void weirctl_driver(struct pci_dev *device, char *driver, size_t bytes);

/* control.c: a request of the management socket that is not an admin command. */
json_t *control_call(struct card *card, json_t *request);

/* kernel.c: what the kernel driver's standard interfaces say; the card's name is a PCI address. */
/* Network interface of the function, empty: none. */
void kernel_interface(const char *address, char name[64]);
/* Adds what devlink dev info and ethtool (link state, link modes' speed) say to object. */
int kernel_info(struct card *card, json_t *object);
/* ethtool's standard statistics groups and the interface's own counters. */
int kernel_stats(struct card *card, json_t *object);

/* Prints an object as "key value" lines, nested ones indented; or as JSON. Takes the reference. */
void print_object(json_t *object, bool json);

#endif
