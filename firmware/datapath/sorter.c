/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sorter: which vports take a frame, by (MAC, VLAN), group lists and promiscuous lists (specs/sorter.md). A hash table with
 * chains; entries of one key lie in one chain, so that several vports may own the same address.
 */
#include "burst.h"

static uint64_t mac_value(const uint8_t mac[6])
{
	uint64_t value = 0;

	for (int i = 5; i >= 0; i--)
		value = value << 8 | mac[i];
	return value;
}

static uint32_t bucket_of(const struct weir_sorter *sorter, uint64_t key)
{
	/* Multiplicative hashing (Knuth 6.4); the high bits are the well mixed ones. */
	return (uint32_t)((key ^ key >> 29) * 0x9e3779b97f4a7c15ull >> (64 - sorter->bucket_log2));
}

static uint64_t key_of(uint64_t mac, uint16_t vlan)
{
	return mac | (uint64_t)vlan << 48;
}

static struct weir_sorter_entry *find(const struct weir_sorter *sorter, uint64_t key, uint16_t vport)
{
	uint32_t at = sorter->buckets[bucket_of(sorter, key)];

	while (at) {
		struct weir_sorter_entry *entry = &sorter->entries[at - 1];

		if (entry->key == key && entry->vport == vport)
			return entry;
		at = entry->next;
	}
	return NULL;
}

enum weir_status weir_sorter_add(struct weir_firmware *firmware, const struct weir_vport *vport,
				 const uint8_t mac[6], uint16_t vlan)
{
	struct weir_sorter *sorter = &firmware->sorter;
	uint64_t key = key_of(mac_value(mac), vlan);
	struct weir_sorter_entry *entry = find(sorter, key, vport->index);
	uint32_t *bucket = &sorter->buckets[bucket_of(sorter, key)];

	if (entry) {
		if (entry->references == UINT16_MAX)
			return WEIR_STATUS_NO_SPACE;
		entry->references++;
		return WEIR_STATUS_OK;
	}
	if (!sorter->free_list)
		return WEIR_STATUS_NO_SPACE;
	entry = &sorter->entries[sorter->free_list - 1];
	uint32_t index = sorter->free_list;

	sorter->free_list = entry->next;
	*entry = (struct weir_sorter_entry){
		.key = key, .next = *bucket, .vport = vport->index, .references = 1
	};
	*bucket = index;
	if (vlan != WEIR_VLAN_NONE)
		sorter->exact_vlan_entries++;
	return WEIR_STATUS_OK;
}

static void unlink_entry(struct weir_sorter *sorter, uint32_t *link)
{
	uint32_t index = *link;
	struct weir_sorter_entry *entry = &sorter->entries[index - 1];

	if (entry->key >> 48 != WEIR_VLAN_NONE)
		sorter->exact_vlan_entries--;
	*link = entry->next;
	*entry = (struct weir_sorter_entry){ .next = sorter->free_list };
	sorter->free_list = index;
}

enum weir_status weir_sorter_delete(struct weir_firmware *firmware, const struct weir_vport *vport,
				    const uint8_t mac[6], uint16_t vlan)
{
	struct weir_sorter *sorter = &firmware->sorter;
	uint64_t key = key_of(mac_value(mac), vlan);
	uint32_t *link = &sorter->buckets[bucket_of(sorter, key)];

	while (*link) {
		struct weir_sorter_entry *entry = &sorter->entries[*link - 1];

		if (entry->key == key && entry->vport == vport->index) {
			if (--entry->references == 0)
				unlink_entry(sorter, link);
			return WEIR_STATUS_OK;
		}
		link = &entry->next;
	}
	return WEIR_STATUS_NOT_FOUND;
}

bool weir_sorter_has(const struct weir_firmware *firmware, const struct weir_vport *vport,
		     const uint8_t mac[6], uint16_t vlan)
{
	return find(&firmware->sorter, key_of(mac_value(mac), vlan), vport->index) != NULL;
}

/* Keeps one dense list true: member says whether the vport belongs in it. */
static void list_update(struct weir_firmware *firmware, uint16_t *list, uint16_t *count,
			struct weir_vport *vport, uint16_t *position, size_t position_offset,
			bool member)
{
	if (member == (*position != UINT16_MAX))
		return;
	if (member) {
		*position = *count;
		list[(*count)++] = vport->index;
		return;
	}
	/* The last member takes the place that falls free. */
	uint16_t last = list[--*count];

	list[*position] = last;
	*(uint16_t *)((uint8_t *)&firmware->vports[last] + position_offset) = *position;
	*position = UINT16_MAX;
}

static void update_lists(struct weir_firmware *firmware, struct weir_vport *vport, uint32_t flags)
{
	struct weir_sorter *sorter = &firmware->sorter;
	bool enabled = flags & WEIR_VPORT_ENABLE;

	list_update(firmware, sorter->broadcast, &sorter->broadcast_count, vport,
		    &vport->broadcast_position, offsetof(struct weir_vport, broadcast_position),
		    enabled && (flags & WEIR_VPORT_BROADCAST));
	list_update(firmware, sorter->promiscuous, &sorter->promiscuous_count, vport,
		    &vport->promiscuous_position, offsetof(struct weir_vport, promiscuous_position),
		    enabled && (flags & WEIR_VPORT_PROMISCUOUS));
	list_update(firmware, sorter->all_multicast, &sorter->all_multicast_count, vport,
		    &vport->all_multicast_position,
		    offsetof(struct weir_vport, all_multicast_position),
		    enabled && (flags & WEIR_VPORT_ALL_MULTICAST));
}

void weir_sorter_flags(struct weir_firmware *firmware, struct weir_vport *vport)
{
	update_lists(firmware, vport, vport->flags);
	/* Transmit queues stand still while ENABLE is off. */
	if (vport->flags & WEIR_VPORT_ENABLE)
		weir_datapath_wake(firmware, &firmware->functions[vport->function]);
}

void weir_sorter_flush(struct weir_firmware *firmware, struct weir_vport *vport)
{
	struct weir_sorter *sorter = &firmware->sorter;

	update_lists(firmware, vport, 0);
	for (uint32_t bucket = 0; bucket < 1u << sorter->bucket_log2; bucket++) {
		uint32_t *link = &sorter->buckets[bucket];

		while (*link) {
			if (sorter->entries[*link - 1].vport == vport->index)
				unlink_entry(sorter, link);
			else
				link = &sorter->entries[*link - 1].next;
		}
	}
}

/* Is the frame in the vport's port VLAN? */
static bool in_port_vlan(const struct weir_vport *vport, const struct weir_sort_key *key)
{
	return key->vlan == (vport->port_vlan_tci & 0xfff) &&
	       key->tag_protocol == vport->port_vlan_protocol;
}

bool weir_vport_accepts_tag(const struct weir_vport *vport, uint16_t protocol, uint16_t vlan)
{
	uint32_t filter = protocol == WEIR_TPID_8021AD ? WEIR_VPORT_VLAN_FILTER_8021AD
						       : WEIR_VPORT_VLAN_FILTER;

	if (!(vport->flags & filter) || !protocol || vlan == 0)
		return true;
	return vport->vlans[vlan / 64] >> vlan % 64 & 1;
}

bool weir_vport_in_vlan(const struct weir_vport *vport, const struct weir_sort_key *key)
{
	/* The vport's own rules are about what it sees. */
	if (WEIR_UNLIKELY(vport->port_vlan_tci))
		return in_port_vlan(vport, key) &&
		       weir_vport_accepts_tag(vport, key->inner_protocol, key->inner_vlan);
	return weir_vport_accepts_tag(vport, key->tag_protocol, key->vlan);
}

/*
 * Walks the owners of a key: calls of next_owner() give each vport that a filter makes an owner, the (MAC, any VLAN) filters first,
 * then those of the frame's VLAN, then those of vports in a port VLAN, for which the frame's VLAN is that of the tag behind.
 * A vport with both kinds of filter is given once.
 */
enum owner_pass { OWNERS_ANY_VLAN, OWNERS_OF_VLAN, OWNERS_OF_INNER_VLAN };

struct owner_walk {
	const struct weir_sort_key *key;
	uint64_t wanted;
	uint32_t at;
	enum owner_pass pass;
};

static void walk_start(const struct weir_sorter *sorter, struct owner_walk *walk,
		       const struct weir_sort_key *key)
{
	walk->key = key;
	walk->wanted = key_of(key->mac, WEIR_VLAN_NONE);
	walk->at = sorter->buckets[bucket_of(sorter, walk->wanted)];
	walk->pass = OWNERS_ANY_VLAN;
}

/* Does a filter with a VLAN, found in this pass, mean the frame for vport? Without regard to membership. */
static bool exact_is_meant(const struct weir_vport *vport, const struct owner_walk *walk)
{
	if (walk->pass == OWNERS_OF_VLAN)
		return !vport->port_vlan_tci;
	return vport->port_vlan_tci && in_port_vlan(vport, walk->key);
}

/* Begins the pass after the present one; false: that was the last. */
static bool next_pass(const struct weir_sorter *sorter, struct owner_walk *walk)
{
	const struct weir_sort_key *key = walk->key;

	/* Untagged frames are in no port VLAN. */
	if (walk->pass == OWNERS_OF_INNER_VLAN || !sorter->exact_vlan_entries ||
	    (walk->pass == OWNERS_OF_VLAN && !key->tag_protocol))
		return false;
	walk->pass++;
	walk->wanted = key_of(key->mac, walk->pass == OWNERS_OF_VLAN ? key->vlan : key->inner_vlan);
	walk->at = sorter->buckets[bucket_of(sorter, walk->wanted)];
	return true;
}

static uint16_t next_owner(const struct weir_firmware *firmware, struct owner_walk *walk)
{
	const struct weir_sorter *sorter = &firmware->sorter;

	for (;;) {
		while (walk->at) {
			const struct weir_sorter_entry *entry = &sorter->entries[walk->at - 1];
			const struct weir_vport *vport = &firmware->vports[entry->vport];

			walk->at = entry->next;
			if (entry->key != walk->wanted || !(vport->flags & WEIR_VPORT_ENABLE))
				continue;
			if (walk->pass == OWNERS_ANY_VLAN) {
				if (weir_vport_in_vlan(vport, walk->key))
					return entry->vport;
				continue;
			}
			if (!exact_is_meant(vport, walk))
				continue;
			if (weir_vport_in_vlan(vport, walk->key) &&
			    find(sorter, key_of(walk->key->mac, WEIR_VLAN_NONE), entry->vport))
				continue;
			return entry->vport;
		}
		if (!next_pass(sorter, walk))
			return WEIR_NO_VPORT;
	}
}

uint32_t weir_sorter_owner(const struct weir_firmware *firmware, const struct weir_sort_key *key,
			   uint16_t source, uint16_t *vport, bool *self)
{
	struct owner_walk walk;
	uint32_t count = 0;
	uint16_t owner;

	*self = false;
	*vport = WEIR_NO_VPORT;
	walk_start(&firmware->sorter, &walk, key);
	while ((owner = next_owner(firmware, &walk)) != WEIR_NO_VPORT) {
		if (owner == source) {
			*self = true;
			continue;
		}
		if (count++)
			break;
		*vport = owner;
	}
	return count;
}

/* Is vport an owner of key by a filter? */
static bool owns(const struct weir_firmware *firmware, const struct weir_sort_key *key,
		 const struct weir_vport *vport)
{
	const struct weir_sorter *sorter = &firmware->sorter;

	if (find(sorter, key_of(key->mac, WEIR_VLAN_NONE), vport->index) &&
	    weir_vport_in_vlan(vport, key))
		return true;
	if (!sorter->exact_vlan_entries)
		return false;
	if (vport->port_vlan_tci)
		return in_port_vlan(vport, key) &&
		       find(sorter, key_of(key->mac, key->inner_vlan), vport->index);
	return find(sorter, key_of(key->mac, key->vlan), vport->index);
}

uint32_t weir_sorter_takers(const struct weir_firmware *firmware, const struct weir_sort_key *key,
			    enum weir_frame_cast cast, uint16_t source, uint16_t *list)
{
	const struct weir_sorter *sorter = &firmware->sorter;
	const uint16_t *members = sorter->promiscuous;
	uint32_t member_count = sorter->promiscuous_count, count = 0;

	if (cast == WEIR_BROADCAST_FRAME) {
		members = sorter->broadcast;
		member_count = sorter->broadcast_count;
	} else {
		struct owner_walk walk;
		uint16_t owner;

		walk_start(sorter, &walk, key);
		while ((owner = next_owner(firmware, &walk)) != WEIR_NO_VPORT)
			if (owner != source)
				list[count++] = owner;
		if (cast == WEIR_MULTICAST) {
			members = sorter->all_multicast;
			member_count = sorter->all_multicast_count;
		}
	}
	for (uint32_t i = 0; i < member_count; i++) {
		const struct weir_vport *vport = &firmware->vports[members[i]];

		if (members[i] == source || !weir_vport_in_vlan(vport, key))
			continue;
		if (cast == WEIR_BROADCAST_FRAME || !owns(firmware, key, vport))
			list[count++] = members[i];
	}
	return count;
}
