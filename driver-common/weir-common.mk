# SPDX-License-Identifier: GPL-2.0-only
# What both modules are made of; included by their Kbuild files.
weir-common := weir_admin.o weir_call.o weir_coalesce.o weir_context.o weir_data.o weir_debugfs.o weir_device.o weir_devlink.o weir_ethtool.o weir_event.o \
	weir_filter.o weir_flower.o weir_irq.o weir_low_latency.o weir_memory.o weir_moderate.o weir_netdev.o weir_ntuple.o weir_params.o weir_qstats.o weir_queue.o weir_reset.o weir_rss.o weir_rule.o weir_rx.o \
	weir_segment.o weir_time.o weir_tlv.o weir_tx.o weir_txrx.o weir_xdp.o

# The ABI header is specs/include/weir/ in the tree, include/weir/ in a DKMS package.
ccflags-y += -I$(src) -I$(src)/include
