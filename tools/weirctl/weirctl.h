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
	int pid;     /* lli: the process; 0: none was named */
	int interval_ms;
	int argc; /* what stands behind command and card */
	char **argv;
};

/* What somebody wants of a VF. */
struct vf_wish {
	/* what is decided: the rest is left as it is */
	bool mac_given, vlan_given, spoof_check_given, trust_given, link_policy_given;
	uint64_t mac;  /* first byte lowest */
	uint16_t vlan; /* 0: no port VLAN; with the following two */
	uint8_t vlan_priority;
	uint16_t vlan_protocol; /* ethertype, in host order */
	bool spoof_check, trust;
	uint8_t link_policy; /* enum weir_link_policy */
};

int command_list(const struct options *options);
/* lli.c: no card; the interface may be named. Returns when the process or a signal ends it. */
int command_lli(const struct options *options);
int command_info(struct card *card, const struct options *options);
int command_vf(struct card *card, const struct options *options);
int command_stats(struct card *card, const struct options *options);
int command_regs(struct card *card, const struct options *options);
int command_log(struct card *card, const struct options *options);
int command_trace(struct card *card, const struct options *options);

/* list.c */
struct pci_access *weirctl_pci(void);
bool weirctl_is_weir(struct pci_dev *device);
/* Finds the function whose PCI address card->name is; writes it in full, and which driver has it. */
int weirctl_find(struct card *card);
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

/* Decides for a VF as `ip link set dev PF vf N` does: the driver remembers it, and tells the card again after a reset. */
int kernel_vf_set(struct card *card, uint32_t vf, const struct vf_wish *wish);

/* Prints an object as "key value" lines, nested ones indented; or as JSON. Takes the reference. */
void print_object(json_t *object, bool json);

#endif
