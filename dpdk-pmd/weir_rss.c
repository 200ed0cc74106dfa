/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive side scaling (specs/rss.md): key, kinds of flows and indirection table as the application wants them. Each change is tried on
 * the function first, and all of it is told again when the queues are made, so that it outlives resets.
 */
#include "weir_device.h"

#include <errno.h>
#include <string.h>

#include <rte_random.h>

#include "weir_queues.h"

/* What the card hashes for each of DPDK's kinds of flows. */
static const struct {
	uint64_t flows;
	uint32_t type;
} types[] = {
	{ RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER,
	  WEIR_HASH_TYPE_IPV4 },
	{ RTE_ETH_RSS_NONFRAG_IPV4_TCP, WEIR_HASH_TYPE_IPV4_TCP },
	{ RTE_ETH_RSS_NONFRAG_IPV4_UDP, WEIR_HASH_TYPE_IPV4_UDP },
	{ RTE_ETH_RSS_NONFRAG_IPV4_SCTP, WEIR_HASH_TYPE_IPV4_SCTP },
	{ RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_OTHER,
	  WEIR_HASH_TYPE_IPV6 },
	{ RTE_ETH_RSS_NONFRAG_IPV6_TCP, WEIR_HASH_TYPE_IPV6_TCP },
	{ RTE_ETH_RSS_NONFRAG_IPV6_UDP, WEIR_HASH_TYPE_IPV6_UDP },
	{ RTE_ETH_RSS_NONFRAG_IPV6_SCTP, WEIR_HASH_TYPE_IPV6_SCTP },
};

uint64_t weir_rss_flows(void)
{
	uint64_t flows = RTE_ETH_RSS_LEVEL_MASK;

	for (unsigned int i = 0; i < RTE_DIM(types); i++)
		flows |= types[i].flows;
	return flows;
}

uint32_t weir_rss_types(uint64_t flows)
{
	uint32_t set = RTE_ETH_RSS_LEVEL(flows) == 2 ? WEIR_HASH_TYPE_INNER : 0;

	for (unsigned int i = 0; i < RTE_DIM(types); i++)
		if (flows & types[i].flows)
			set |= types[i].type;
	return set;
}

void weir_rss_init(struct weir_device *device)
{
	for (unsigned int i = 0; i < WEIR_HASH_KEY_BYTES; i++)
		device->rss.key[i] = (uint8_t)rte_rand();
	device->rss.key_bytes = WEIR_HASH_KEY_BYTES;
}

/* Of a port with one queue frames are hashed only if the application asks for the hash itself. */
static bool spreads(const struct weir_device *device)
{
	const struct rte_eth_rxmode *mode = &device->data->dev_conf.rxmode;

	return (device->limits.features & WEIR_REG_FEATURES_FLOW_SPREAD_MASK) &&
	       (mode->mq_mode & RTE_ETH_MQ_RX_RSS_FLAG) &&
	       (device->data->nb_rx_queues > 1 || mode->offloads & RTE_ETH_RX_OFFLOAD_RSS_HASH);
}

bool weir_rss_hashes(const struct weir_device *device)
{
	return spreads(device) && weir_rss_types(device->rss.flows) & WEIR_HASH_TYPES_ALL;
}

static uint16_t table_entry(const struct weir_device *device, unsigned int entry)
{
	return device->rss.table_set ? device->rss.table[entry]
				     : (uint16_t)(entry % device->data->nb_rx_queues);
}

int weir_spread_command(struct weir_device *device, uint8_t context,
			const struct weir_spread *spread)
{
	weir_le16 table[WEIR_INDIRECTION_ENTRIES];
	struct weir_tlv request;

	for (unsigned int i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
		table[i] = weir_cpu_to_le16(spread->table[i]);
	weir_tlv_begin(&request);
	if (context)
		weir_tlv_put_u8(&request, WEIR_ATTRIBUTE_SPREAD_CONTEXT, context);
	weir_tlv_put(&request, WEIR_ATTRIBUTE_INDIRECTION, table, sizeof(table));
	weir_tlv_put(&request, WEIR_ATTRIBUTE_HASH_KEY, spread->key, spread->key_bytes);
	weir_tlv_put_u32(&request, WEIR_ATTRIBUTE_HASH_TYPES, spread->types);
	weir_tlv_put_u8(&request, WEIR_ATTRIBUTE_HASH_FUNCTION, spread->function);
	return weir_admin_command(device, WEIR_COMMAND_VPORT_SPREAD, &request, NULL, 0);
}

static int tell(struct weir_device *device, const struct weir_rss *rss)
{
	struct weir_spread spread = { .types = weir_rss_types(rss->flows),
				      .key_bytes = rss->key_bytes,
				      .function = WEIR_HASH_FUNCTION_TOEPLITZ };

	for (unsigned int i = 0; i < WEIR_INDIRECTION_ENTRIES; i++)
		spread.table[i] = rss->table_set ? rss->table[i]
						 : (uint16_t)(i % device->data->nb_rx_queues);
	memcpy(spread.key, rss->key, rss->key_bytes);
	return weir_spread_command(device, 0, &spread);
}

/* Entries name queues that run: what is wanted of a stopped port takes effect at its start. */
static int change(struct weir_device *device, const struct weir_rss *wanted)
{
	int error = device->state == WEIR_PORT_STARTED ? tell(device, wanted) : 0;

	if (!error)
		device->rss = *wanted;
	return error;
}

int weir_rss_apply(struct weir_device *device)
{
	return spreads(device) ? tell(device, &device->rss) : 0;
}

/* --- key and flows -------------------------------------------------------------------------------- */

/* *wanted as the application's conf says; a key of another length is refused. */
static int read_conf(struct weir_device *device, const struct rte_eth_rss_conf *conf,
		     struct weir_rss *wanted)
{
	if (conf->rss_key) {
		if (conf->rss_key_len != WEIR_HASH_KEY_BYTES &&
		    conf->rss_key_len != WEIR_HASH_KEY_MAX_BYTES) {
			WEIR_PORT_LOG(device, ERR, "an RSS key has %u or %u bytes, not %u",
				      WEIR_HASH_KEY_BYTES, WEIR_HASH_KEY_MAX_BYTES,
				      conf->rss_key_len);
			return -EINVAL;
		}
		memcpy(wanted->key, conf->rss_key, conf->rss_key_len);
		wanted->key_bytes = conf->rss_key_len;
	}
	wanted->flows = conf->rss_hf & weir_rss_flows();
	return 0;
}

int weir_rss_configure(struct weir_device *device)
{
	const struct rte_eth_conf *conf = &device->data->dev_conf;
	struct weir_rss wanted = device->rss;
	int error;

	wanted.table_set = false;
	error = read_conf(device, &conf->rx_adv_conf.rss_conf, &wanted);
	if (!error)
		device->rss = wanted;
	return error;
}

int weir_rss_hash_update(struct rte_eth_dev *ethdev, struct rte_eth_rss_conf *conf)
{
	struct weir_device *device = weir_device_of(ethdev);
	struct weir_rss wanted;
	int error = weir_device_lock_attached(device);

	if (error)
		return error;
	wanted = device->rss;
	error = spreads(device) ? read_conf(device, conf, &wanted) : -ENOTSUP;
	if (!error)
		error = change(device, &wanted);
	pthread_mutex_unlock(&device->lock);
	return error;
}

int weir_rss_hash_conf_get(struct rte_eth_dev *ethdev, struct rte_eth_rss_conf *conf)
{
	struct weir_device *device = weir_device_of(ethdev);

	pthread_mutex_lock(&device->lock);
	conf->rss_hf = spreads(device) ? device->rss.flows : 0;
	/* As far as there is room; of a short buffer the application learns how long it must be. */
	if (conf->rss_key && conf->rss_key_len >= device->rss.key_bytes)
		memcpy(conf->rss_key, device->rss.key, device->rss.key_bytes);
	conf->rss_key_len = device->rss.key_bytes;
	pthread_mutex_unlock(&device->lock);
	return 0;
}

/* --- the indirection table ------------------------------------------------------------------------ */

static bool reta_size_is_right(struct weir_device *device, uint16_t entries)
{
	if (entries == WEIR_INDIRECTION_ENTRIES)
		return true;
	WEIR_PORT_LOG(device, ERR, "the redirection table has %u entries, not %u",
		      WEIR_INDIRECTION_ENTRIES, entries);
	return false;
}

int weir_reta_update(struct rte_eth_dev *ethdev, struct rte_eth_rss_reta_entry64 *reta,
		     uint16_t entries)
{
	struct weir_device *device = weir_device_of(ethdev);
	struct weir_rss wanted;
	int error;

	if (!reta_size_is_right(device, entries))
		return -EINVAL;
	error = weir_device_lock_attached(device);
	if (error)
		return error;
	if (!spreads(device)) {
		error = -ENOTSUP;
	} else {
		wanted = device->rss;
		wanted.table_set = true;
		for (unsigned int i = 0; i < WEIR_INDIRECTION_ENTRIES; i++) {
			const struct rte_eth_rss_reta_entry64 *group =
				&reta[i / RTE_ETH_RETA_GROUP_SIZE];
			unsigned int bit = i % RTE_ETH_RETA_GROUP_SIZE;

			if (group->mask & (UINT64_C(1) << bit))
				wanted.table[i] = group->reta[bit];
			else
				wanted.table[i] = table_entry(device, i);
		}
		error = change(device, &wanted);
	}
	pthread_mutex_unlock(&device->lock);
	return error;
}

int weir_reta_query(struct rte_eth_dev *ethdev, struct rte_eth_rss_reta_entry64 *reta,
		    uint16_t entries)
{
	struct weir_device *device = weir_device_of(ethdev);

	if (!reta_size_is_right(device, entries))
		return -EINVAL;
	pthread_mutex_lock(&device->lock);
	for (unsigned int i = 0; i < WEIR_INDIRECTION_ENTRIES; i++) {
		struct rte_eth_rss_reta_entry64 *group = &reta[i / RTE_ETH_RETA_GROUP_SIZE];
		unsigned int bit = i % RTE_ETH_RETA_GROUP_SIZE;

		if (!(group->mask & (UINT64_C(1) << bit)))
			continue;
		group->reta[bit] = spreads(device) ? table_entry(device, i) : 0;
	}
	pthread_mutex_unlock(&device->lock);
	return 0;
}
