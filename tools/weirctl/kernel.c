/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel driver's standard interfaces say: devlink (dev info) and ethtool netlink, both through libmnl; sysfs for names. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/devlink.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "netlink.h"
#include "weirctl.h"

void kernel_interface(const char *address, char name[64])
{
	char path[128];
	DIR *directory;
	struct dirent *entry;

	name[0] = 0;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/net", address);
	directory = opendir(path);
	if (!directory)
		return;
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			snprintf(name, 64, "%.63s", entry->d_name);
	closedir(directory);
}

/* ---- generic netlink ---- */

static struct nlmsghdr *generic_message(struct conversation *talk, uint16_t family, uint8_t command,
					uint8_t version)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(talk->buffer);
	struct genlmsghdr *generic;

	message->nlmsg_type = family;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	generic = mnl_nlmsg_put_extra_header(message, sizeof(*generic));
	generic->cmd = command;
	generic->version = version;
	return message;
}

static int on_family(const struct nlmsghdr *message, void *data)
{
	struct nlattr *attribute;

	mnl_attr_for_each(attribute, message,
			  sizeof(struct genlmsghdr)) if (mnl_attr_get_type(attribute) ==
							 CTRL_ATTR_FAMILY_ID) *
		(uint16_t *)data = mnl_attr_get_u16(attribute);
	return MNL_CB_OK;
}

static int find_family(struct conversation *talk, const char *name, uint16_t *family)
{
	struct nlmsghdr *message = generic_message(talk, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);

	*family = 0;
	mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, name);
	int error = conversation_ask(talk, message, on_family, family);

	return error ? error : *family ? 0 : -ENOENT;
}

/* ---- devlink dev info ---- */

static void add_version(json_t *object, const struct nlattr *nest)
{
	const struct nlattr *attribute;
	const char *name = NULL, *value = NULL;

	mnl_attr_for_each_nested(attribute, nest)
	{
		if (mnl_attr_get_type(attribute) == DEVLINK_ATTR_INFO_VERSION_NAME)
			name = mnl_attr_get_str(attribute);
		else if (mnl_attr_get_type(attribute) == DEVLINK_ATTR_INFO_VERSION_VALUE)
			value = mnl_attr_get_str(attribute);
	}
	if (name && value)
		json_object_set_new(object, name, json_string(value));
}

static int on_devlink_info(const struct nlmsghdr *message, void *data)
{
	json_t *object = data;
	struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(struct genlmsghdr))
	{
		switch (mnl_attr_get_type(attribute)) {
		case DEVLINK_ATTR_INFO_DRIVER_NAME:
			json_object_set_new(object, "driver",
					    json_string(mnl_attr_get_str(attribute)));
			break;
		case DEVLINK_ATTR_INFO_SERIAL_NUMBER:
			json_object_set_new(object, "serial_number",
					    json_string(mnl_attr_get_str(attribute)));
			break;
		case DEVLINK_ATTR_INFO_VERSION_RUNNING:
		case DEVLINK_ATTR_INFO_VERSION_FIXED:
			add_version(object, attribute);
			break;
		default:
			break;
		}
	}
	return MNL_CB_OK;
}

static int devlink_info(const char *address, json_t *object)
{
	struct conversation talk;
	uint16_t family;
	int error = conversation_begin(&talk, NETLINK_GENERIC);

	if (error)
		return error;
	error = find_family(&talk, DEVLINK_GENL_NAME, &family);
	if (!error) {
		struct nlmsghdr *message =
			generic_message(&talk, family, DEVLINK_CMD_INFO_GET, DEVLINK_GENL_VERSION);

		mnl_attr_put_strz(message, DEVLINK_ATTR_BUS_NAME, "pci");
		mnl_attr_put_strz(message, DEVLINK_ATTR_DEV_NAME, address);
		error = conversation_ask(&talk, message, on_devlink_info, object);
	}
	mnl_socket_close(talk.socket);
	return error;
}

/* ---- ethtool: link ---- */

static struct nlmsghdr *ethtool_message(struct conversation *talk, uint16_t family, uint8_t command,
					const char *interface)
{
	struct nlmsghdr *message = generic_message(talk, family, command, ETHTOOL_GENL_VERSION);
	/* All header attributes of ethtool's requests have number 1. */
	struct nlattr *header = mnl_attr_nest_start(message, 1);

	mnl_attr_put_strz(message, ETHTOOL_A_HEADER_DEV_NAME, interface);
	mnl_attr_nest_end(message, header);
	return message;
}

static int on_link_state(const struct nlmsghdr *message, void *data)
{
	struct nlattr *attribute;

	mnl_attr_for_each(attribute, message,
			  sizeof(struct genlmsghdr)) if (mnl_attr_get_type(attribute) ==
							 ETHTOOL_A_LINKSTATE_LINK)
		json_object_set_new(data, "link",
				    json_string(mnl_attr_get_u8(attribute) ? "up" : "down"));
	return MNL_CB_OK;
}

static int on_link_modes(const struct nlmsghdr *message, void *data)
{
	struct nlattr *attribute;

	mnl_attr_for_each(attribute, message,
			  sizeof(struct genlmsghdr)) if (mnl_attr_get_type(attribute) ==
								 ETHTOOL_A_LINKMODES_SPEED &&
							 mnl_attr_get_u32(attribute) != UINT32_MAX)
		json_object_set_new(data, "link_speed_mbps",
				    json_integer(mnl_attr_get_u32(attribute)));
	return MNL_CB_OK;
}

int kernel_info(struct card *card, json_t *object)
{
	char interface[64];
	struct conversation talk;
	uint16_t family;
	json_t *kernel = json_object();
	int error = devlink_info(card->name, kernel);

	json_object_set_new(object, "kernel", kernel);
	if (error) {
		snprintf(card->error, sizeof(card->error), "%s: devlink: %s", card->name,
			 strerror(-error));
		/* A driver without devlink (vfio-pci) is no error: there is nothing more to say. */
		return error == -ENODEV || error == -EOPNOTSUPP ? 0 : error;
	}
	kernel_interface(card->name, interface);
	if (!interface[0])
		return 0;
	json_object_set_new(kernel, "interface", json_string(interface));
	error = conversation_begin(&talk, NETLINK_GENERIC);
	if (error)
		return error;
	error = find_family(&talk, ETHTOOL_GENL_NAME, &family);
	if (!error)
		error = conversation_ask(
			&talk, ethtool_message(&talk, family, ETHTOOL_MSG_LINKSTATE_GET, interface),
			on_link_state, kernel);
	if (!error)
		error = conversation_ask(
			&talk, ethtool_message(&talk, family, ETHTOOL_MSG_LINKMODES_GET, interface),
			on_link_modes, kernel);
	mnl_socket_close(talk.socket);
	if (error)
		snprintf(card->error, sizeof(card->error), "%s: ethtool: %s", interface,
			 strerror(-error));
	return error;
}

/* ---- the interface's counters ---- */

static int on_interface(const struct nlmsghdr *message, void *data)
{
	struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(struct ifinfomsg))
	{
		struct rtnl_link_stats64 stats;

		if (mnl_attr_get_type(attribute) != IFLA_STATS64)
			continue;
		memset(&stats, 0, sizeof(stats));
		memcpy(&stats, mnl_attr_get_payload(attribute),
		       mnl_attr_get_payload_len(attribute) < sizeof(stats)
			       ? mnl_attr_get_payload_len(attribute)
			       : sizeof(stats));
		const struct {
			const char *name;
			uint64_t value;
		} counters[] = {
			{ "rx_packets", stats.rx_packets }, { "tx_packets", stats.tx_packets },
			{ "rx_bytes", stats.rx_bytes },	    { "tx_bytes", stats.tx_bytes },
			{ "rx_errors", stats.rx_errors },   { "tx_errors", stats.tx_errors },
			{ "rx_dropped", stats.rx_dropped }, { "tx_dropped", stats.tx_dropped },
			{ "multicast", stats.multicast },
		};

		for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
			json_object_set_new(data, counters[i].name,
					    json_integer((json_int_t)counters[i].value));
	}
	return MNL_CB_OK;
}

int kernel_stats(struct card *card, json_t *object)
{
	char interface[64];
	struct conversation talk;
	json_t *counters = json_object();
	int error;

	kernel_interface(card->name, interface);
	json_object_set_new(object, "kernel", counters);
	if (!interface[0])
		return 0;
	error = conversation_begin(&talk, NETLINK_ROUTE);
	if (error)
		return error;
	struct nlmsghdr *message = mnl_nlmsg_put_header(talk.buffer);
	struct ifinfomsg *info;

	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifi_index = (int)if_nametoindex(interface);
	error = conversation_ask(&talk, message, on_interface, counters);
	mnl_socket_close(talk.socket);
	if (error)
		snprintf(card->error, sizeof(card->error), "%s: %s", interface, strerror(-error));
	return error;
}

/* ---- VFs ---- */

int kernel_vf_set(struct card *card, uint32_t vf, const struct vf_wish *wish)
{
	char interface[64];
	struct conversation talk;
	int error = conversation_begin(&talk, NETLINK_ROUTE);

	if (error)
		return error;
	kernel_interface(card->name, interface);
	struct nlmsghdr *message = mnl_nlmsg_put_header(talk.buffer);
	struct ifinfomsg *info;
	struct nlattr *list, *one;

	message->nlmsg_type = RTM_SETLINK;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifi_index = (int)if_nametoindex(interface);
	list = mnl_attr_nest_start(message, IFLA_VFINFO_LIST);
	one = mnl_attr_nest_start(message, IFLA_VF_INFO);
	if (wish->mac_given) {
		struct ifla_vf_mac mac = { .vf = vf };

		for (int i = 0; i < 6; i++)
			mac.mac[i] = (uint8_t)(wish->mac >> 8 * i);
		mnl_attr_put(message, IFLA_VF_MAC, sizeof(mac), &mac);
	}
	if (wish->vlan_given) {
		struct ifla_vf_vlan_info vlan = { .vf = vf,
						  .vlan = wish->vlan,
						  .qos = wish->vlan_priority,
						  .vlan_proto = htons(wish->vlan_protocol) };
		struct nlattr *vlans = mnl_attr_nest_start(message, IFLA_VF_VLAN_LIST);

		mnl_attr_put(message, IFLA_VF_VLAN_INFO, sizeof(vlan), &vlan);
		mnl_attr_nest_end(message, vlans);
	}
	if (wish->spoof_check_given) {
		struct ifla_vf_spoofchk check = { vf, wish->spoof_check };

		mnl_attr_put(message, IFLA_VF_SPOOFCHK, sizeof(check), &check);
	}
	if (wish->trust_given) {
		struct ifla_vf_trust trust = { vf, wish->trust };

		mnl_attr_put(message, IFLA_VF_TRUST, sizeof(trust), &trust);
	}
	if (wish->link_policy_given) {
		/* The kernel's IFLA_VF_LINK_STATE_… have the values of enum weir_link_policy. */
		struct ifla_vf_link_state state = { vf, wish->link_policy };

		mnl_attr_put(message, IFLA_VF_LINK_STATE, sizeof(state), &state);
	}
	mnl_attr_nest_end(message, one);
	mnl_attr_nest_end(message, list);
	error = conversation_ask(&talk, message, NULL, NULL);
	mnl_socket_close(talk.socket);
	if (error)
		snprintf(card->error, sizeof(card->error), "%s: vf %u: %s; dmesg may say more",
			 interface, vf, strerror(-error));
	return error;
}
