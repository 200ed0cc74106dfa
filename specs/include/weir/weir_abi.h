/* SPDX-License-Identifier: BSD-3-Clause */
/* Generated from specs/weir.yaml by specs/generate.py: do not edit. */
/* The whole contract between a host and a Weir device. Usable in Linux, DPDK and freestanding C11. */
#ifndef WEIR_ABI_H
#define WEIR_ABI_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/stddef.h>
#include <asm/byteorder.h>
typedef __le16 weir_le16;
typedef __le32 weir_le32;
typedef __le64 weir_le64;
#define weir_cpu_to_le16(x) cpu_to_le16(x)
#define weir_cpu_to_le32(x) cpu_to_le32(x)
#define weir_cpu_to_le64(x) cpu_to_le64(x)
#define weir_le16_to_cpu(x) le16_to_cpu(x)
#define weir_le32_to_cpu(x) le32_to_cpu(x)
#define weir_le64_to_cpu(x) le64_to_cpu(x)
#else
#include <stddef.h>
#include <stdint.h>
typedef uint16_t weir_le16;
typedef uint32_t weir_le32;
typedef uint64_t weir_le64;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define weir_cpu_to_le16(x) ((uint16_t)(x))
#define weir_cpu_to_le32(x) ((uint32_t)(x))
#define weir_cpu_to_le64(x) ((uint64_t)(x))
#else
#define weir_cpu_to_le16(x) __builtin_bswap16((uint16_t)(x))
#define weir_cpu_to_le32(x) __builtin_bswap32((uint32_t)(x))
#define weir_cpu_to_le64(x) __builtin_bswap64((uint64_t)(x))
#endif
#define weir_le16_to_cpu(x) weir_cpu_to_le16(x)
#define weir_le32_to_cpu(x) weir_cpu_to_le32(x)
#define weir_le64_to_cpu(x) weir_cpu_to_le64(x)
#endif

/* WEIR_GET(WEIR_REG_STATUS_STATE, value): a field's value; WEIR_PREP(field, value): a value in its place. */
#define WEIR_GET(field, value) (((value) & field##_MASK) >> field##_SHIFT)
#define WEIR_PREP(field, value) (((uint32_t)(value) << field##_SHIFT) & field##_MASK)

#define WEIR_ABI_MAJOR 1
#define WEIR_ABI_MINOR 0

#define WEIR_PCI_VENDOR_ID 0x1234
#define WEIR_PCI_DEVICE_ID_PF 0x5745
#define WEIR_PCI_DEVICE_ID_VF 0x5746
#define WEIR_PCI_SUBSYSTEM_VENDOR_ID 0x1234
#define WEIR_PCI_SUBSYSTEM_ID 0x1
#define WEIR_PCI_CLASS 0x20000
#define WEIR_PCI_REVISION 0x1
#define WEIR_PCI_MAX_VFS 1024
#define WEIR_PCI_FIRST_VF_OFFSET 1
#define WEIR_PCI_VF_STRIDE 1
#define WEIR_BAR_REGISTERS 0
#define WEIR_BAR_REGISTERS_PF_BYTES 0x4000u
#define WEIR_BAR_REGISTERS_VF_BYTES 0x4000u
#define WEIR_BAR_DOORBELLS 2
#define WEIR_BAR_DOORBELLS_PF_BYTES 0x40000u
#define WEIR_BAR_DOORBELLS_VF_BYTES 0x10000u
#define WEIR_BAR_MSIX 4
#define WEIR_BAR_MSIX_PF_BYTES 0x2000u
#define WEIR_BAR_MSIX_VF_BYTES 0x2000u
#define WEIR_MSIX_TABLE_OFFSET 0x0u
#define WEIR_MSIX_PBA_OFFSET 0x1000u
#define WEIR_MSIX_PF_VECTORS 65
#define WEIR_MSIX_VF_VECTORS 17

#define WEIR_PF_QUEUE_PAIRS 64 /* queue pairs of a PF */
#define WEIR_VF_QUEUE_PAIRS 16 /* queue pairs of a VF */
#define WEIR_DOORBELL_STRIDE_LOG2 12 /* distance of two queue pairs' doorbell pages in BAR2, as a power of two */
#define WEIR_RING_MIN_LOG2 6 /* smallest data ring (64 entries) */
#define WEIR_RING_MAX_LOG2 15 /* largest data ring (32768 entries); indices are free-running 16-bit counters */
#define WEIR_ADMIN_RING_MIN_LOG2 3 /* smallest admin ring */
#define WEIR_ADMIN_RING_MAX_LOG2 10 /* largest admin ring */
#define WEIR_ADMIN_DATA_MAX_BYTES 4096 /* largest request or response of an admin command */
#define WEIR_MAX_FRAME_BYTES 9216 /* largest frame without FCS, from destination address to last payload byte; a 9000-byte MTU and two VLAN tags fit */
#define WEIR_MIN_FRAME_BYTES 14 /* smallest frame accepted on transmit; the wire pads to 60 */
#define WEIR_MAX_SEGMENTS 32 /* descriptors of one transmitted frame */
#define WEIR_RX_BUFFER_MIN_BYTES 128 /* smallest receive buffer */
#define WEIR_RX_BUFFER_MAX_BYTES 16384 /* largest receive buffer */
#define WEIR_INDIRECTION_ENTRIES 128 /* entries of the table that spreads a vport's flows over its receive queues */
#define WEIR_HASH_KEY_BYTES 40 /* bytes of a hash key */
#define WEIR_HASH_KEY_MAX_BYTES 52 /* bytes of a long one; those beyond HASH_KEY_BYTES are kept, and reach no bit of a hash */
#define WEIR_HASH_TYPES_ALL 255 /* every enum hash_type but INNER */
#define WEIR_MODERATION_MAX_US 0xffff /* longest wait that MODERATION_US can ask for today */
#define WEIR_MODERATION_MAX_COUNT 32768 /* greatest MODERATION_COUNT today: more fit into no ring */
#define WEIR_LOW_LATENCY_US_DEFAULT 25 /* LOW_LATENCY_US after a reset */
#define WEIR_LOW_LATENCY_CREDITS_DEFAULT 32 /* LOW_LATENCY_CREDITS after a reset */
#define WEIR_FORMAT_RX_TIMES 1 /* FORMAT of a receive queue whose completions tell when frames arrived: an rx_time ahead of each rx_completion */
#define WEIR_SPLIT_BUFFER_MIN_BYTES 256 /* least BUFFER_BYTES of a receive queue that splits headers off */
#define WEIR_SPLIT_HEADER_MIN_BYTES 14 /* least HEADER_BYTES: an Ethernet header */
#define WEIR_TIME_MAX_RATE 0x186a00000 /* greatest TIME_RATE, either way, today: a tenth */
#define WEIR_VECTOR_NONE 0xffff /* no interrupt vector: the queue is polled */
#define WEIR_TPID_8021Q 0x8100 /* type that says that an 802.1Q tag follows */
#define WEIR_TPID_8021AD 0x88a8 /* the same of a service tag of 802.1ad */
#define WEIR_VLAN_NONE 0xffff /* a filter that takes frames of any VLAN its vport is a member of */
#define WEIR_FUNCTION_SELF 0xffff /* the function that sends the command */
#define WEIR_STRING_BYTES 32 /* longest string attribute, terminating zero included */
#define WEIR_CHECKSUM_START_MIN 22 /* least tx_descriptor.checksum.START: behind the Ethernet header and two tags */
#define WEIR_CHECKSUM_REACH_BYTES 192 /* a checksum's field must lie within so many bytes from the frame's beginning as it is in host memory */
#define WEIR_SEGMENT_HEADER_BYTES 188 /* longest headers of a frame with SEGMENT, from its beginning to its payload */
#define WEIR_SEGMENT_MIN_BYTES 32 /* least tx_payload_descriptor.mss */
#define WEIR_SEGMENT_FRAME_BYTES 0x10040 /* longest frame with SEGMENT: an IP datagram of 65535 bytes behind an Ethernet header and two tags fits */
#define WEIR_COALESCE_SEGMENTS_MAX 32 /* greatest COALESCE_SEGMENTS */
#define WEIR_COALESCE_BYTES_MAX 0xffff /* greatest COALESCE_BYTES */
#define WEIR_COALESCE_US_MAX 10000 /* greatest COALESCE_US */
#define WEIR_SHADOW_BYTES 128 /* size and alignment of a queue's shadow doorbell in host memory */
#define WEIR_RESET_TIME_MS 100 /* longest time from a reset until STATUS.STATE is READY (PCIe 5.0 section 6.6.2) */
#define WEIR_STEER_RULES 4096 /* steering rules that the functions of a card share */
#define WEIR_STEER_RULES_OWN 16 /* steering rules that each function has besides, whatever the others do */
#define WEIR_STEER_RULES_VF 512 /* most steering rules of a VF */
#define WEIR_STEER_MASKS 16 /* distinct masks among the steering rules of a vport */
#define WEIR_SPREAD_CONTEXTS 8 /* spread contexts of a vport, its own spread not counted */
#define WEIR_ATTRIBUTE_MUST 32768 /* bit of an attribute's type: a receiver that does not know the attribute must fail the command */

/* result of an admin command, and of every firmware call that can fail */
enum weir_status {
	WEIR_STATUS_OK = 0, /* done */
	WEIR_STATUS_UNKNOWN_COMMAND = 1, /* no such opcode in this firmware; see GET_INFO for what it has */
	WEIR_STATUS_NOT_PERMITTED = 2, /* the function's role lacks the privilege (table of privileges) */
	WEIR_STATUS_BAD_LENGTH = 3, /* request, attribute or response length is impossible; detail is the byte offset */
	WEIR_STATUS_BAD_ATTRIBUTE = 4, /* an attribute is malformed, repeated, or unknown and marked MUST; detail is its type */
	WEIR_STATUS_MISSING_ATTRIBUTE = 5, /* a required attribute is absent; detail is its type */
	WEIR_STATUS_BAD_VALUE = 6, /* an attribute's value is out of range; detail is its type */
	WEIR_STATUS_BAD_STATE = 7, /* not now: the object is not in the state the command needs */
	WEIR_STATUS_EXISTS = 8, /* the object exists already */
	WEIR_STATUS_NOT_FOUND = 9, /* no such object */
	WEIR_STATUS_NO_SPACE = 10, /* a table is full */
	WEIR_STATUS_DMA_FAULT = 11, /* host memory could not be read or written at the given address */
	WEIR_STATUS_RESET = 12, /* the function was reset before the command ended */
	WEIR_STATUS_NOT_SUPPORTED = 13, /* this board or build lacks the feature */
	WEIR_STATUS_BUSY = 14, /* try again */
	WEIR_STATUS_INTERNAL = 15, /* firmware fault; the log says what */
};

/* STATUS.STATE */
enum weir_function_state {
	WEIR_FUNCTION_STATE_INIT = 0, /* in reset or starting; only STATUS and GENERATION mean anything */
	WEIR_FUNCTION_STATE_READY = 1, /* commands are taken */
	WEIR_FUNCTION_STATE_QUIESCING = 2, /* a reset was asked for and DMA in flight is being waited for */
	WEIR_FUNCTION_STATE_FAILED = 3, /* the firmware gave the function up; a reset (FLR) is needed, the log says why */
	WEIR_FUNCTION_STATE_ABSENT = 4, /* VF not enabled; a host cannot see this value */
};

/* what a function, or a tool in its place, is to the table of privileges */
enum weir_role {
	WEIR_ROLE_PF = 0, /* a physical function's driver */
	WEIR_ROLE_VF = 1, /* a virtual function's driver */
	WEIR_ROLE_TRUSTED_VF = 2, /* a VF the administrator trusts (ip link set … vf N trust on) */
	WEIR_ROLE_MANAGER = 3, /* the owner of the card: weir-sim's management socket */
};

/* what is known of a received frame's checksum; only with the vport's RX_CHECKSUM */
enum weir_checksum_state {
	WEIR_CHECKSUM_STATE_UNKNOWN = 0, /* not looked at, or it cannot be told: no such header, a fragment, more than the frame carries */
	WEIR_CHECKSUM_STATE_GOOD = 1, /* verified */
	WEIR_CHECKSUM_STATE_BAD = 2, /* verified, and wrong */
	WEIR_CHECKSUM_STATE_ABSENT = 3, /* UDP: zero, its sender gave none */
};

/* where a receive queue splits frames: what lies ahead of it goes into a header buffer */
enum weir_split_mode {
	WEIR_SPLIT_MODE_NONE = 0, /* not at all: there are no header buffers */
	WEIR_SPLIT_MODE_FIXED = 1, /* behind HEADER_BYTES bytes */
	WEIR_SPLIT_MODE_L2 = 2, /* behind the Ethernet header and its tags */
	WEIR_SPLIT_MODE_L3 = 3, /* behind the outermost IP header, its options or extension headers */
	WEIR_SPLIT_MODE_L4 = 4, /* behind the outermost TCP, UDP, SCTP or ICMP header, options included */
	WEIR_SPLIT_MODE_INNER = 5, /* as L4, and of what a tunnel carries behind the L4 header in there */
};

/* kinds of headers behind which frames are split, and of what carries them: a set of these, in SPLIT_KINDS */
enum weir_split_kind {
	WEIR_SPLIT_KIND_IPV4 = 1, /* IPv4, with or without options */
	WEIR_SPLIT_KIND_IPV6 = 2, /* IPv6, with or without extension headers */
	WEIR_SPLIT_KIND_TCP = 4, /* modes L4 and INNER: TCP */
	WEIR_SPLIT_KIND_UDP = 8, /* UDP */
	WEIR_SPLIT_KIND_SCTP = 16, /* SCTP */
	WEIR_SPLIT_KIND_ICMP = 32, /* ICMP over IPv4, ICMPv6 over IPv6 */
	WEIR_SPLIT_KIND_PLAIN = 64, /* mode INNER: in no tunnel */
	WEIR_SPLIT_KIND_VXLAN = 128, /* in VXLAN */
	WEIR_SPLIT_KIND_GENEVE = 256, /* in GENEVE */
};

/* kind of an entry of the admin completion ring */
enum weir_admin_entry {
	WEIR_ADMIN_ENTRY_COMPLETION = 0, /* answer to a command */
	WEIR_ADMIN_ENTRY_EVENT = 1, /* asynchronous event */
};

/* link state a VF sees */
enum weir_link_policy {
	WEIR_LINK_POLICY_AUTO = 0, /* that of the wire port */
	WEIR_LINK_POLICY_ENABLE = 1, /* always up */
	WEIR_LINK_POLICY_DISABLE = 2, /* always down; its frames are dropped */
};

/* which group of statistics, see statistics */
enum weir_stats_scope {
	WEIR_STATS_SCOPE_PORT = 0, /* a wire port */
	WEIR_STATS_SCOPE_FUNCTION = 1, /* a function */
	WEIR_STATS_SCOPE_VPORT = 2, /* a vport: index within the function */
	WEIR_STATS_SCOPE_RX_QUEUE = 3, /* a receive queue */
	WEIR_STATS_SCOPE_TX_QUEUE = 4, /* a transmit queue */
};

/* why a function was reported to the PF */
enum weir_misbehaviour {
	WEIR_MISBEHAVIOUR_BAD_DOORBELL = 1, /* impossible doorbell value or a doorbell of a queue that is not there */
	WEIR_MISBEHAVIOUR_BAD_DESCRIPTOR = 2, /* a descriptor that cannot be obeyed */
	WEIR_MISBEHAVIOUR_BAD_COMMAND = 3, /* malformed or forbidden admin commands */
	WEIR_MISBEHAVIOUR_SPOOF = 4, /* a source MAC or VLAN that is not the vport's */
	WEIR_MISBEHAVIOUR_DMA_FAULT = 5, /* an address outside the function's domain */
};

/* network header of a frame, as far as the card knows it */
enum weir_packet_l3 {
	WEIR_PACKET_L3_OTHER = 0, /* none, an unknown one, or one that is cut or malformed */
	WEIR_PACKET_L3_IPV4 = 1, /* IPv4, with or without options */
	WEIR_PACKET_L3_IPV6 = 2, /* IPv6, with or without extension headers */
};

/* transport header behind it */
enum weir_packet_l4 {
	WEIR_PACKET_L4_OTHER = 0, /* none, an unknown one, or one that is cut or malformed */
	WEIR_PACKET_L4_TCP = 1, /* TCP */
	WEIR_PACKET_L4_UDP = 2, /* UDP */
	WEIR_PACKET_L4_SCTP = 3, /* SCTP */
	WEIR_PACKET_L4_ICMP = 4, /* ICMP over IPv4, ICMPv6 over IPv6 */
	WEIR_PACKET_L4_FRAGMENT = 5, /* the datagram is a fragment, the first one too */
};

/* what carries a frame inside this one */
enum weir_packet_tunnel {
	WEIR_PACKET_TUNNEL_NONE = 0, /* nothing that the card knows */
	WEIR_PACKET_TUNNEL_VXLAN = 1, /* UDP to port 4789 with a VNI (RFC 7348) */
	WEIR_PACKET_TUNNEL_GENEVE = 2, /* UDP to port 6081, version 0, an Ethernet frame in it (RFC 8926) */
};

/* what is hashed of a received frame: a set of these, in HASH_TYPES. A datagram whose ports are not asked for is hashed by its addresses if those are */
enum weir_hash_type {
	WEIR_HASH_TYPE_IPV4 = 1, /* addresses of IPv4 */
	WEIR_HASH_TYPE_IPV4_TCP = 2, /* addresses and ports of TCP over IPv4 */
	WEIR_HASH_TYPE_IPV4_UDP = 4, /* addresses and ports of UDP over IPv4 */
	WEIR_HASH_TYPE_IPV4_SCTP = 8, /* addresses and ports of SCTP over IPv4 */
	WEIR_HASH_TYPE_IPV6 = 16, /* addresses of IPv6 */
	WEIR_HASH_TYPE_IPV6_TCP = 32, /* addresses and ports of TCP over IPv6 */
	WEIR_HASH_TYPE_IPV6_UDP = 64, /* addresses and ports of UDP over IPv6 */
	WEIR_HASH_TYPE_IPV6_SCTP = 128, /* addresses and ports of SCTP over IPv6 */
	WEIR_HASH_TYPE_INNER = 256, /* of a tunnel with IP in it: the datagram inside instead of the one around it */
};

/* how a tuple is made of a datagram; the hash of the tuple is Toeplitz's */
enum weir_hash_function {
	WEIR_HASH_FUNCTION_TOEPLITZ = 0, /* source address, destination address, source port, destination port */
	WEIR_HASH_FUNCTION_SYMMETRIC_XOR = 1, /* each of the two addresses and of the two ports is replaced by their exclusive or */
	WEIR_HASH_FUNCTION_SYMMETRIC_SORT = 2, /* the smaller address first, the smaller port first */
};

/* what a steering rule does with the frames that match it */
enum weir_steer_action {
	WEIR_STEER_ACTION_SPREAD = 0, /* by the indirection table of SPREAD_CONTEXT, or the vport's own, as if there were no rule; they are counted, and marked if the rule says so */
	WEIR_STEER_ACTION_QUEUE = 1, /* into the receive queue QUEUE */
	WEIR_STEER_ACTION_DROP = 2, /* dropped, and counted as rx_dropped_by_rule */
	WEIR_STEER_ACTION_NEXT = 3, /* nothing: the rules behind it decide, as if it were not there. They are counted, and of low latency if the rule says so */
};

/* severity of a log line */
enum weir_log_level {
	WEIR_LOG_LEVEL_ERROR = 0, /* something failed */
	WEIR_LOG_LEVEL_WARNING = 1, /* something was refused, or will fail if it goes on */
	WEIR_LOG_LEVEL_INFO = 2, /* life of functions, links, queues */
	WEIR_LOG_LEVEL_DEBUG = 3, /* every command */
};

/* what a trace record tells */
enum weir_trace_kind {
	WEIR_TRACE_KIND_VF_ENABLE = 1, /* VF Enable was written: detail is NumVFs */
	WEIR_TRACE_KIND_FUNCTION_READY = 2, /* a function's configuration space and registers are ready */
	WEIR_TRACE_KIND_QUEUE_CREATED = 3, /* detail 0 receive, 1 transmit; address of the ring */
	WEIR_TRACE_KIND_VECTOR_SET = 4, /* an MSI-X table entry was unmasked: address is the message address, detail the data */
	WEIR_TRACE_KIND_MAC_ASSIGNED = 5, /* a MAC address was given to a vport */
	WEIR_TRACE_KIND_IOMMU_MAPPED = 6, /* the translation agent has a mapping for the function: address, length */
	WEIR_TRACE_KIND_BUFFERS_POSTED = 7, /* the driver posted receive buffers: detail is the new tail */
	WEIR_TRACE_KIND_FRAME_ARRIVED = 16, /* step 1: a frame came from the wire or another vport (detail: source vport, 0xffffffff the wire) */
	WEIR_TRACE_KIND_QUEUE_CHOSEN = 17, /* step 2: the sorter chose a vport and queue by MAC and VLAN */
	WEIR_TRACE_KIND_DMA_STARTED = 18, /* step 3: DMA to the address the driver posted */
	WEIR_TRACE_KIND_TRANSLATED = 19, /* step 4: the translation agent translated the address; detail: 0 mapped, 1 identity, 2 by ATS */
	WEIR_TRACE_KIND_INTERRUPT_RAISED = 20, /* step 5: the firmware raised the queue's vector */
	WEIR_TRACE_KIND_INTERRUPT_DELIVERED = 21, /* step 6: the message left the function; detail: 0 written as MSI-X message, 1 by eventfd, 2 held pending (masked) */
	WEIR_TRACE_KIND_DRIVER_SERVED = 22, /* step 7: the VF's driver took the completion: its receive tail or arm doorbell moved past it; detail is the value */
};

/* Privileges as bits; weir_tables.h says which role holds which. */
enum weir_privilege {
	WEIR_PRIVILEGE_BASIC = 1 << 0, /* queues, filters, statistics, link state of itself */
	WEIR_PRIVILEGE_PROMISCUOUS = 1 << 1, /* receive frames addressed to others */
	WEIR_PRIVILEGE_OWN_MAC = 1 << 2, /* use a unicast MAC other than the one the administrator set */
	WEIR_PRIVILEGE_VF_ADMIN = 1 << 3, /* set and read what the administrator decides for a VF */
	WEIR_PRIVILEGE_PORT_ADMIN = 1 << 4, /* set the wire port */
	WEIR_PRIVILEGE_DEVICE_ADMIN = 1 << 5, /* log, trace and everything that is the whole card's */
};

/* BAR0. 32-bit accesses, naturally aligned; others read as all ones, are not written, and count as bad_mmio. */
/* block DEVICE: identity; the only block at a fixed place */
#define WEIR_BLOCK_DEVICE 0x0
#define WEIR_REG_MAGIC 0x0 /* RO: 'WEIR' */
#define WEIR_REG_MAGIC_VALUE 0x57454952u
#define WEIR_REG_ABI_VERSION 0x4 /* RO: a driver refuses another major; a greater minor only adds */
#define WEIR_REG_ABI_VERSION_MINOR_SHIFT 0
#define WEIR_REG_ABI_VERSION_MINOR_MASK 0xffffu
#define WEIR_REG_ABI_VERSION_MAJOR_SHIFT 16
#define WEIR_REG_ABI_VERSION_MAJOR_MASK 0xffff0000u
#define WEIR_REG_FIRST_BLOCK 0x8 /* RO: offset of the first block of the chain */
#define WEIR_REG_FUNCTION 0xc /* RO: which function this is */
#define WEIR_REG_FUNCTION_INDEX_SHIFT 0 /* 0 is the PF, n is VF n-1 */
#define WEIR_REG_FUNCTION_INDEX_MASK 0xffffu
#define WEIR_REG_FUNCTION_IS_VF_SHIFT 16
#define WEIR_REG_FUNCTION_IS_VF_MASK 0x10000u
/* block CONTROL: life and limits of the function */
#define WEIR_BLOCK_CONTROL 0x40
#define WEIR_BLOCK_CONTROL_ID 1
#define WEIR_BLOCK_CONTROL_VERSION 1
#define WEIR_REG_STATUS 0x48 /* RO: all ones while the function cannot answer */
#define WEIR_REG_STATUS_STATE_SHIFT 0 /* enum function_state */
#define WEIR_REG_STATUS_STATE_MASK 0xfu
#define WEIR_REG_STATUS_LINK_UP_SHIFT 4
#define WEIR_REG_STATUS_LINK_UP_MASK 0x10u
#define WEIR_REG_STATUS_RESET_IMPENDING_SHIFT 8 /* advisory: a reset follows; FLR comes without it */
#define WEIR_REG_STATUS_RESET_IMPENDING_MASK 0x100u
#define WEIR_REG_GENERATION 0x4c /* RO: counts this function's resets; never goes back while the card has power */
#define WEIR_REG_CONTROL 0x50 /* WO: commands that need no queue */
#define WEIR_REG_CONTROL_SOFT_RESET_SHIFT 0 /* as FLR, but configuration space is kept */
#define WEIR_REG_CONTROL_SOFT_RESET_MASK 0x1u
#define WEIR_REG_QUEUE_LIMITS 0x54 /* RO */
#define WEIR_REG_QUEUE_LIMITS_QUEUE_PAIRS_SHIFT 0 /* usable queue pairs */
#define WEIR_REG_QUEUE_LIMITS_QUEUE_PAIRS_MASK 0xffffu
#define WEIR_REG_QUEUE_LIMITS_VECTORS_SHIFT 16 /* usable MSI-X vectors */
#define WEIR_REG_QUEUE_LIMITS_VECTORS_MASK 0xffff0000u
#define WEIR_REG_RING_LIMITS 0x58 /* RO */
#define WEIR_REG_RING_LIMITS_STRIDE_LOG2_SHIFT 0 /* log2 of the doorbell page stride in BAR2 */
#define WEIR_REG_RING_LIMITS_STRIDE_LOG2_MASK 0xffu
#define WEIR_REG_RING_LIMITS_MIN_LOG2_SHIFT 8
#define WEIR_REG_RING_LIMITS_MIN_LOG2_MASK 0xff00u
#define WEIR_REG_RING_LIMITS_MAX_LOG2_SHIFT 16
#define WEIR_REG_RING_LIMITS_MAX_LOG2_MASK 0xff0000u
#define WEIR_REG_RING_LIMITS_MAX_SEGMENTS_SHIFT 24
#define WEIR_REG_RING_LIMITS_MAX_SEGMENTS_MASK 0xff000000u
#define WEIR_REG_MAX_FRAME 0x5c /* RO: largest frame in bytes, FCS not counted */
#define WEIR_REG_FEATURES 0x60 /* RO: what this firmware offers to this function */
#define WEIR_REG_FEATURES_SHADOW_DOORBELLS_SHIFT 0 /* shadow doorbell and event index in host memory */
#define WEIR_REG_FEATURES_SHADOW_DOORBELLS_MASK 0x1u
#define WEIR_REG_FEATURES_FLOW_SPREAD_SHIFT 1 /* several receive queues behind an indirection table */
#define WEIR_REG_FEATURES_FLOW_SPREAD_MASK 0x2u
#define WEIR_REG_FEATURES_CHECKSUM_SHIFT 2 /* checksums are inserted on transmit and verified on receive */
#define WEIR_REG_FEATURES_CHECKSUM_MASK 0x4u
#define WEIR_REG_FEATURES_MODERATION_SHIFT 3 /* interrupts of queues can wait: MODERATION_US, MODERATION_COUNT */
#define WEIR_REG_FEATURES_MODERATION_MASK 0x8u
#define WEIR_REG_FEATURES_TIME_SHIFT 5 /* the card has a clock: block TIME, timestamps of frames */
#define WEIR_REG_FEATURES_TIME_MASK 0x20u
#define WEIR_REG_FEATURES_SEGMENTATION_SHIFT 6 /* long TCP and UDP frames are cut into segments on transmit */
#define WEIR_REG_FEATURES_SEGMENTATION_MASK 0x40u
#define WEIR_REG_FEATURES_STEERING_SHIFT 7 /* rules that send frames to receive queues, or drop them: STEER_ADD */
#define WEIR_REG_FEATURES_STEERING_MASK 0x80u
#define WEIR_REG_FEATURES_SPREAD_CONTEXTS_SHIFT 8 /* further tables and hashes to which rules lead: SPREAD_CONTEXT */
#define WEIR_REG_FEATURES_SPREAD_CONTEXTS_MASK 0x100u
#define WEIR_REG_FEATURES_RECEIVE_COALESCING_SHIFT 9 /* received TCP segments in a row become one frame: COALESCE_SEGMENTS */
#define WEIR_REG_FEATURES_RECEIVE_COALESCING_MASK 0x200u
#define WEIR_REG_FEATURES_HEADER_SPLIT_SHIFT 10 /* receive queues can put headers into buffers of their own: SPLIT_MODE */
#define WEIR_REG_FEATURES_HEADER_SPLIT_MASK 0x400u
#define WEIR_REG_FEATURES_LOW_LATENCY_SHIFT 11 /* chosen frames have their queue interrupt at once, past its moderation: LOW_LATENCY */
#define WEIR_REG_FEATURES_LOW_LATENCY_MASK 0x800u
#define WEIR_REG_FEATURES_VLAN_8021AD_SHIFT 12 /* service tags (802.1ad) are inserted, taken out and filtered like 802.1Q tags, each kind for itself */
#define WEIR_REG_FEATURES_VLAN_8021AD_MASK 0x1000u
#define WEIR_REG_LINK_SPEED 0x64 /* RO: in Mb/s, 0 when down */
#define WEIR_REG_MAC_LOW 0x68 /* RO: first four bytes of the function's MAC, first byte lowest; zero MAC: none was given */
#define WEIR_REG_MAC_HIGH 0x6c /* RO: last two bytes, in bits 15:0 */
#define WEIR_REG_PORT 0x70 /* RO: wire port the function is behind */
/* block ADMIN: the admin queue: submission ring, completion and event ring, both in host memory */
#define WEIR_BLOCK_ADMIN 0x100
#define WEIR_BLOCK_ADMIN_ID 2
#define WEIR_BLOCK_ADMIN_VERSION 1
#define WEIR_REG_ADMIN_SQ_BASE_LOW 0x108 /* RW: submission ring, 64-byte aligned */
#define WEIR_REG_ADMIN_SQ_BASE_HIGH 0x10c /* RW */
#define WEIR_REG_ADMIN_CQ_BASE_LOW 0x110 /* RW: completion ring, 64-byte aligned, zeroed by the host */
#define WEIR_REG_ADMIN_CQ_BASE_HIGH 0x114 /* RW */
#define WEIR_REG_ADMIN_SIZES 0x118 /* RW */
#define WEIR_REG_ADMIN_SIZES_SQ_LOG2_SHIFT 0 /* log2 of the entries */
#define WEIR_REG_ADMIN_SIZES_SQ_LOG2_MASK 0xffu
#define WEIR_REG_ADMIN_SIZES_CQ_LOG2_SHIFT 8 /* at least twice the submission ring, so that events find room */
#define WEIR_REG_ADMIN_SIZES_CQ_LOG2_MASK 0xff00u
#define WEIR_REG_ADMIN_SIZES_VECTOR_SHIFT 16 /* MSI-X vector, VECTOR_NONE to poll */
#define WEIR_REG_ADMIN_SIZES_VECTOR_MASK 0xffff0000u
#define WEIR_REG_ADMIN_CONTROL 0x11c /* RW: writing ENABLE=1 takes the values above into use; ENABLE=0 stops the queue */
#define WEIR_REG_ADMIN_CONTROL_ENABLE_SHIFT 0
#define WEIR_REG_ADMIN_CONTROL_ENABLE_MASK 0x1u
#define WEIR_REG_ADMIN_STATUS 0x120 /* RO */
#define WEIR_REG_ADMIN_STATUS_RUNNING_SHIFT 0
#define WEIR_REG_ADMIN_STATUS_RUNNING_MASK 0x1u
#define WEIR_REG_ADMIN_STATUS_ERROR_SHIFT 8 /* enum status of the last enable, or of what stopped the queue */
#define WEIR_REG_ADMIN_STATUS_ERROR_MASK 0xff00u
#define WEIR_REG_ADMIN_SQ_TAIL 0x124 /* WO: doorbell: free-running 16-bit count of commands submitted (bits 31:16 zero) */
#define WEIR_REG_ADMIN_CQ_HEAD 0x128 /* WO: doorbell: free-running 16-bit count of entries consumed (bits 31:16 zero); also arms the vector */
/* block MAILBOX: the admin commands without host memory: for recovery, flashing without a driver, and tools */
#define WEIR_BLOCK_MAILBOX 0x200
#define WEIR_BLOCK_MAILBOX_ID 3
#define WEIR_BLOCK_MAILBOX_VERSION 1
#define WEIR_REG_MAILBOX_OWNER 0x208 /* RW: write a non-zero token when it reads 0, read back: yours if equal; write 0 to release. Advisory. */
#define WEIR_REG_MAILBOX_REQUEST 0x20c /* WO: writing it starts the command whose attributes lie in the data window; ignored while BUSY */
#define WEIR_REG_MAILBOX_REQUEST_OPCODE_SHIFT 0
#define WEIR_REG_MAILBOX_REQUEST_OPCODE_MASK 0xffffu
#define WEIR_REG_MAILBOX_REQUEST_LENGTH_SHIFT 16 /* bytes of attributes */
#define WEIR_REG_MAILBOX_REQUEST_LENGTH_MASK 0xffff0000u
#define WEIR_REG_MAILBOX_STATUS 0x210 /* RO */
#define WEIR_REG_MAILBOX_STATUS_BUSY_SHIFT 0
#define WEIR_REG_MAILBOX_STATUS_BUSY_MASK 0x1u
#define WEIR_REG_MAILBOX_STATUS_DONE_SHIFT 1 /* cleared when a command starts */
#define WEIR_REG_MAILBOX_STATUS_DONE_MASK 0x2u
#define WEIR_REG_MAILBOX_STATUS_STATUS_SHIFT 8 /* enum status */
#define WEIR_REG_MAILBOX_STATUS_STATUS_MASK 0xff00u
#define WEIR_REG_MAILBOX_STATUS_LENGTH_SHIFT 16 /* bytes of the response in the data window */
#define WEIR_REG_MAILBOX_STATUS_LENGTH_MASK 0xffff0000u
#define WEIR_REG_MAILBOX_DETAIL 0x214 /* RO: detail of the status */
#define WEIR_REG_MAILBOX_WINDOW 0x218 /* RO: offset of the data window in BAR0 */
#define WEIR_REG_MAILBOX_WINDOW_VALUE 0x1000u
#define WEIR_REG_MAILBOX_WINDOW_BYTES 0x21c /* RO: size of the data window */
#define WEIR_REG_MAILBOX_WINDOW_BYTES_VALUE 0x1000u
/* block TIME: the card's clock, with FEATURES.TIME; it runs on whatever becomes of the function */
#define WEIR_BLOCK_TIME 0x300
#define WEIR_BLOCK_TIME_ID 4
#define WEIR_BLOCK_TIME_VERSION 1
#define WEIR_REG_TIME_LOW 0x308 /* RO: nanoseconds, bits 31:0: what they are at the moment of the read */
#define WEIR_REG_TIME_HIGH 0x30c /* RO: bits 63:32; read TIME_HIGH, TIME_LOW, TIME_HIGH, and all again if the two differ */
/* Header of a chained block: id in bits 15:0 and version in 23:16 at +0, offset of the next block at +4. */
#define WEIR_BLOCK_HEADER_ID_SHIFT 0
#define WEIR_BLOCK_HEADER_ID_MASK 0xffffu
#define WEIR_BLOCK_HEADER_VERSION_SHIFT 16
#define WEIR_BLOCK_HEADER_VERSION_MASK 0xff0000u

/* One page a queue pair at index << STRIDE_LOG2. 32-bit writes; reads give zero. Values are free-running 16-bit counters (bits 31:16 zero). */
#define WEIR_DOORBELL_RX_TAIL 0x0 /* receive buffers posted so far */
#define WEIR_DOORBELL_TX_TAIL 0x40 /* transmit descriptors posted so far */
#define WEIR_DOORBELL_RX_ARM 0x80 /* completions taken so far; one interrupt when there is, or comes, one more */
#define WEIR_DOORBELL_TX_ARM 0xc0 /* head last seen; one interrupt when the head is, or moves, past it */

/* transmit descriptor, format 0 */
struct weir_tx_descriptor {
	weir_le64 address; /* address of the segment in the function's address space */
	weir_le16 length; /* bytes, 1 to 16384; the sum over a frame from MIN_FRAME_BYTES to MAX_FRAME_BYTES */
	weir_le16 flags;
	weir_le16 vlan_tci; /* tag to insert */
	weir_le16 checksum; /* with CHECKSUM, else zero */
};
_Static_assert(sizeof(struct weir_tx_descriptor) == 16, "ABI");
_Static_assert(offsetof(struct weir_tx_descriptor, address) == 0, "ABI");
_Static_assert(offsetof(struct weir_tx_descriptor, length) == 8, "ABI");
_Static_assert(offsetof(struct weir_tx_descriptor, flags) == 10, "ABI");
_Static_assert(offsetof(struct weir_tx_descriptor, vlan_tci) == 12, "ABI");
_Static_assert(offsetof(struct weir_tx_descriptor, checksum) == 14, "ABI");
#define WEIR_TXD_TYPE_SHIFT 0 /* 0 data; others reserved for offload contexts */
#define WEIR_TXD_TYPE_MASK 0xfu
#define WEIR_TXD_END_SHIFT 4 /* last descriptor of the frame */
#define WEIR_TXD_END_MASK 0x10u
#define WEIR_TXD_REPORT_SHIFT 5 /* on END: write the head back soon (others are written back with it) */
#define WEIR_TXD_REPORT_MASK 0x20u
#define WEIR_TXD_VLAN_SHIFT 6 /* on the frame's first descriptor: insert vlan_tci as a tag, of 802.1Q unless VLAN_8021AD says otherwise */
#define WEIR_TXD_VLAN_MASK 0x40u
#define WEIR_TXD_CHECKSUM_SHIFT 7 /* on the frame's first descriptor: put in the checksum that `checksum` describes */
#define WEIR_TXD_CHECKSUM_MASK 0x80u
#define WEIR_TXD_CRC32C_SHIFT 8 /* with CHECKSUM: it is SCTP's CRC32c, of four bytes */
#define WEIR_TXD_CRC32C_MASK 0x100u
#define WEIR_TXD_TIMESTAMP_SHIFT 10 /* on the frame's first descriptor: write a tx_report of when it was sent */
#define WEIR_TXD_TIMESTAMP_MASK 0x400u
#define WEIR_TXD_IPV4_CHECKSUM_SHIFT 11 /* on the frame's first descriptor: put in the checksum of the (outermost) IPv4 header */
#define WEIR_TXD_IPV4_CHECKSUM_MASK 0x800u
#define WEIR_TXD_SEGMENT_SHIFT 12 /* on the frame's first descriptor, with CHECKSUM: cut the frame into segments; this descriptor is its headers, the next one a tx_payload_descriptor */
#define WEIR_TXD_SEGMENT_MASK 0x1000u
#define WEIR_TXD_FIXED_ID_SHIFT 13 /* with SEGMENT: the IPv4 identification of the datagram that is cut is the same in all segments */
#define WEIR_TXD_FIXED_ID_MASK 0x2000u
#define WEIR_TXD_VLAN_8021AD_SHIFT 14 /* with VLAN: the tag is one of 802.1ad (TPID 88A8h) */
#define WEIR_TXD_VLAN_8021AD_MASK 0x4000u
#define WEIR_TXD_START_SHIFT 0 /* first byte that is summed, from the frame's beginning in host memory; the last is the frame's */
#define WEIR_TXD_START_MASK 0xffu
#define WEIR_TXD_OFFSET_SHIFT 8 /* of the checksum field behind START */
#define WEIR_TXD_OFFSET_MASK 0xff00u

/* second descriptor of a frame with SEGMENT: as tx_descriptor, and it says where to cut */
struct weir_tx_payload_descriptor {
	weir_le64 address; /* as in tx_descriptor */
	weir_le16 length; /* as in tx_descriptor */
	weir_le16 flags; /* as in tx_descriptor: TYPE, END, REPORT */
	weir_le16 mss; /* bytes of payload in each segment but the last, SEGMENT_MIN_BYTES or more */
	weir_le16 reserved;
};
_Static_assert(sizeof(struct weir_tx_payload_descriptor) == 16, "ABI");
_Static_assert(offsetof(struct weir_tx_payload_descriptor, address) == 0, "ABI");
_Static_assert(offsetof(struct weir_tx_payload_descriptor, length) == 8, "ABI");
_Static_assert(offsetof(struct weir_tx_payload_descriptor, flags) == 10, "ABI");
_Static_assert(offsetof(struct weir_tx_payload_descriptor, mss) == 12, "ABI");
_Static_assert(offsetof(struct weir_tx_payload_descriptor, reserved) == 14, "ABI");

/* what became of a transmitted frame that asked for it; the last eight bytes become visible no earlier than the first */
struct weir_tx_report {
	weir_le64 time; /* with TIME: the card's clock when the frame was sent */
	weir_le32 reserved;
	weir_le32 flags; /* zeroed by the host before it posts the frame */
};
_Static_assert(sizeof(struct weir_tx_report) == 16, "ABI");
_Static_assert(offsetof(struct weir_tx_report, time) == 0, "ABI");
_Static_assert(offsetof(struct weir_tx_report, reserved) == 8, "ABI");
_Static_assert(offsetof(struct weir_tx_report, flags) == 12, "ABI");
#define WEIR_TXR_TIME_SHIFT 0 /* the frame was sent, at time */
#define WEIR_TXR_TIME_MASK 0x1u
#define WEIR_TXR_GENERATION_SHIFT 24 /* low bits of the function's generation */
#define WEIR_TXR_GENERATION_MASK 0xff000000u

/* entry of the free-buffer ring, format 0: the buffer's length is the queue's buffer_size */
struct weir_rx_buffer {
	weir_le64 address; /* address of the buffer in the function's address space */
};
_Static_assert(sizeof(struct weir_rx_buffer) == 8, "ABI");
_Static_assert(offsetof(struct weir_rx_buffer, address) == 0, "ABI");

/* entry of the free-buffer ring of a queue with a SPLIT_MODE: two buffers */
struct weir_rx_split_buffer {
	weir_le64 address; /* of the payload's buffer, of BUFFER_BYTES */
	weir_le64 header; /* of the header's, of HEADER_BYTES */
};
_Static_assert(sizeof(struct weir_rx_split_buffer) == 16, "ABI");
_Static_assert(offsetof(struct weir_rx_split_buffer, address) == 0, "ABI");
_Static_assert(offsetof(struct weir_rx_split_buffer, header) == 8, "ABI");

/* receive completion, format 0; the last eight bytes become visible no earlier than the first */
struct weir_rx_completion {
	weir_le32 flow_hash; /* with FLOW_HASH: the hash that spread the flow; with MARK: the mark of a steering rule; else 0 */
	weir_le16 length; /* bytes written to the buffer */
	weir_le16 buffer; /* which buffer: free-running index in the free-buffer ring */
	weir_le16 vlan_tci; /* with VLAN: the tag taken out */
	weir_le16 packet_type; /* what the frame is, if its vport hashes; else zero, which is unknown */
	weir_le32 flags;
};
_Static_assert(sizeof(struct weir_rx_completion) == 16, "ABI");
_Static_assert(offsetof(struct weir_rx_completion, flow_hash) == 0, "ABI");
_Static_assert(offsetof(struct weir_rx_completion, length) == 4, "ABI");
_Static_assert(offsetof(struct weir_rx_completion, buffer) == 6, "ABI");
_Static_assert(offsetof(struct weir_rx_completion, vlan_tci) == 8, "ABI");
_Static_assert(offsetof(struct weir_rx_completion, packet_type) == 10, "ABI");
_Static_assert(offsetof(struct weir_rx_completion, flags) == 12, "ABI");
#define WEIR_RXC_TYPE_L3_SHIFT 0 /* enum packet_l3 */
#define WEIR_RXC_TYPE_L3_MASK 0x3u
#define WEIR_RXC_TYPE_L4_SHIFT 2 /* enum packet_l4 */
#define WEIR_RXC_TYPE_L4_MASK 0x1cu
#define WEIR_RXC_TYPE_TUNNEL_SHIFT 5 /* enum packet_tunnel */
#define WEIR_RXC_TYPE_TUNNEL_MASK 0xe0u
#define WEIR_RXC_TYPE_INNER_L3_SHIFT 8 /* enum packet_l3 of what the tunnel carries */
#define WEIR_RXC_TYPE_INNER_L3_MASK 0x300u
#define WEIR_RXC_TYPE_INNER_L4_SHIFT 10 /* enum packet_l4 of what the tunnel carries */
#define WEIR_RXC_TYPE_INNER_L4_MASK 0x1c00u
#define WEIR_RXC_PHASE_SHIFT 0 /* generation bit: 1 in the first lap over the ring, then alternating */
#define WEIR_RXC_PHASE_MASK 0x1u
#define WEIR_RXC_END_SHIFT 1 /* last buffer of the frame */
#define WEIR_RXC_END_MASK 0x2u
#define WEIR_RXC_ERROR_SHIFT 2 /* the buffer holds no data: a transfer failed; count it and reuse the buffer */
#define WEIR_RXC_ERROR_MASK 0x4u
#define WEIR_RXC_VLAN_SHIFT 3 /* a tag was taken out into vlan_tci */
#define WEIR_RXC_VLAN_MASK 0x8u
#define WEIR_RXC_MULTICAST_SHIFT 4
#define WEIR_RXC_MULTICAST_MASK 0x10u
#define WEIR_RXC_BROADCAST_SHIFT 5
#define WEIR_RXC_BROADCAST_MASK 0x20u
#define WEIR_RXC_FLOW_HASH_SHIFT 6 /* flow_hash is valid */
#define WEIR_RXC_FLOW_HASH_MASK 0x40u
#define WEIR_RXC_LOOPED_SHIFT 7 /* from another vport of this card, not from the wire */
#define WEIR_RXC_LOOPED_MASK 0x80u
#define WEIR_RXC_IP_SHIFT 8 /* enum checksum_state of the IPv4 header */
#define WEIR_RXC_IP_MASK 0x300u
#define WEIR_RXC_L4_SHIFT 10 /* enum checksum_state of TCP, UDP or SCTP */
#define WEIR_RXC_L4_MASK 0xc00u
#define WEIR_RXC_INNER_IP_SHIFT 12 /* the same of the frame inside a tunnel */
#define WEIR_RXC_INNER_IP_MASK 0x3000u
#define WEIR_RXC_INNER_L4_SHIFT 14
#define WEIR_RXC_INNER_L4_MASK 0xc000u
#define WEIR_RXC_MARK_SHIFT 16 /* flow_hash holds the STEER_MARK of the rule that the frame matched; FLOW_HASH is 0 */
#define WEIR_RXC_MARK_MASK 0x10000u
#define WEIR_RXC_HASH_L4_SHIFT 17 /* with FLOW_HASH: ports are in it, too */
#define WEIR_RXC_HASH_L4_MASK 0x20000u
#define WEIR_RXC_TIMESTAMP_SHIFT 18 /* in format 1: the rx_time ahead of it is valid */
#define WEIR_RXC_TIMESTAMP_MASK 0x40000u
#define WEIR_RXC_VLAN_8021AD_SHIFT 19 /* with VLAN: the tag taken out was one of 802.1ad (TPID 88A8h) */
#define WEIR_RXC_VLAN_8021AD_MASK 0x80000u
#define WEIR_RXC_COALESCED_SHIFT 20 /* the completion is an rx_aggregate, the only one of its frame */
#define WEIR_RXC_COALESCED_MASK 0x100000u
#define WEIR_RXC_COALESCED_FIXED_ID_SHIFT 21 /* with COALESCED: IPv4's identification is the same in all segments, and does not count on */
#define WEIR_RXC_COALESCED_FIXED_ID_MASK 0x200000u
#define WEIR_RXC_HEADER_SHIFT 22 /* length is what lies in the entry's header buffer */
#define WEIR_RXC_HEADER_MASK 0x400000u
#define WEIR_RXC_SPLIT_SHIFT 23 /* with HEADER: it ends where SPLIT_MODE says */
#define WEIR_RXC_SPLIT_MASK 0x800000u
#define WEIR_RXC_GENERATION_SHIFT 24 /* low bits of the function's generation */
#define WEIR_RXC_GENERATION_MASK 0xff000000u

/* an rx_completion with COALESCED: TCP segments in one frame, in one or more buffers in a row */
struct weir_rx_aggregate {
	weir_le32 flow_hash; /* as in rx_completion */
	weir_le16 length; /* bytes of the whole frame, in as many buffers as they fill; also with ERROR */
	weir_le16 buffer; /* the first buffer: free-running index in the free-buffer ring; the others follow it there */
	weir_le16 vlan_tci; /* as in rx_completion */
	weir_le16 segment;
	weir_le32 flags; /* as in rx_completion, with COALESCED and END; IP (of IPv4) and L4 are GOOD */
};
_Static_assert(sizeof(struct weir_rx_aggregate) == 16, "ABI");
_Static_assert(offsetof(struct weir_rx_aggregate, flow_hash) == 0, "ABI");
_Static_assert(offsetof(struct weir_rx_aggregate, length) == 4, "ABI");
_Static_assert(offsetof(struct weir_rx_aggregate, buffer) == 6, "ABI");
_Static_assert(offsetof(struct weir_rx_aggregate, vlan_tci) == 8, "ABI");
_Static_assert(offsetof(struct weir_rx_aggregate, segment) == 10, "ABI");
_Static_assert(offsetof(struct weir_rx_aggregate, flags) == 12, "ABI");
#define WEIR_RXA_L3_SHIFT 0 /* enum packet_l3: IPV4 or IPV6 */
#define WEIR_RXA_L3_MASK 0x3u
#define WEIR_RXA_PAYLOAD_SHIFT 2 /* bytes of TCP payload in every segment but the last, which has at least one and no more */
#define WEIR_RXA_PAYLOAD_MASK 0xfffcu

/* first half of a completion of format 1 (FORMAT_RX_TIMES), which has 32 bytes; the rx_completion is the second half */
struct weir_rx_time {
	weir_le64 time; /* with TIMESTAMP: the card's clock when the frame arrived */
	weir_le64 reserved;
};
_Static_assert(sizeof(struct weir_rx_time) == 16, "ABI");
_Static_assert(offsetof(struct weir_rx_time, time) == 0, "ABI");
_Static_assert(offsetof(struct weir_rx_time, reserved) == 8, "ABI");

/* a queue's shadow doorbell in host memory; the two halves are a cache line each */
struct weir_shadow_doorbell {
	weir_le32 tail; /* written by the host in place of the BAR2 tail */
	uint8_t reserved0[60];
	weir_le32 event_index; /* written by the device: ring BAR2 when the tail passes it; bit 31 set: busy polling, never ring */
	uint8_t reserved1[60];
};
_Static_assert(sizeof(struct weir_shadow_doorbell) == 128, "ABI");
_Static_assert(offsetof(struct weir_shadow_doorbell, tail) == 0, "ABI");
_Static_assert(offsetof(struct weir_shadow_doorbell, reserved0) == 4, "ABI");
_Static_assert(offsetof(struct weir_shadow_doorbell, event_index) == 64, "ABI");
_Static_assert(offsetof(struct weir_shadow_doorbell, reserved1) == 68, "ABI");

/* entry of the admin submission ring */
struct weir_admin_command {
	weir_le16 opcode;
	weir_le16 cookie; /* returned in the completion */
	weir_le16 request_length; /* bytes of attributes at request_address, at most ADMIN_DATA_MAX_BYTES */
	weir_le16 response_capacity; /* bytes of room at response_address */
	weir_le64 request_address;
	weir_le64 response_address;
	weir_le64 reserved; /* zero */
};
_Static_assert(sizeof(struct weir_admin_command) == 32, "ABI");
_Static_assert(offsetof(struct weir_admin_command, opcode) == 0, "ABI");
_Static_assert(offsetof(struct weir_admin_command, cookie) == 2, "ABI");
_Static_assert(offsetof(struct weir_admin_command, request_length) == 4, "ABI");
_Static_assert(offsetof(struct weir_admin_command, response_capacity) == 6, "ABI");
_Static_assert(offsetof(struct weir_admin_command, request_address) == 8, "ABI");
_Static_assert(offsetof(struct weir_admin_command, response_address) == 16, "ABI");
_Static_assert(offsetof(struct weir_admin_command, reserved) == 24, "ABI");

/* answer to an admin command in the admin completion ring */
struct weir_admin_completion {
	weir_le16 kind; /* enum admin_entry */
	weir_le16 opcode;
	weir_le16 cookie;
	weir_le16 status; /* enum status */
	weir_le32 response_length; /* bytes written at response_address */
	weir_le32 detail; /* offset or attribute the status speaks of */
	weir_le16 sq_head; /* commands fetched so far */
	weir_le16 reserved;
	weir_le32 generation;
	weir_le32 reserved1;
	weir_le32 flags;
};
_Static_assert(sizeof(struct weir_admin_completion) == 32, "ABI");
_Static_assert(offsetof(struct weir_admin_completion, kind) == 0, "ABI");
_Static_assert(offsetof(struct weir_admin_completion, opcode) == 2, "ABI");
_Static_assert(offsetof(struct weir_admin_completion, cookie) == 4, "ABI");
_Static_assert(offsetof(struct weir_admin_completion, status) == 6, "ABI");
_Static_assert(offsetof(struct weir_admin_completion, response_length) == 8, "ABI");
_Static_assert(offsetof(struct weir_admin_completion, detail) == 12, "ABI");
_Static_assert(offsetof(struct weir_admin_completion, sq_head) == 16, "ABI");
_Static_assert(offsetof(struct weir_admin_completion, reserved) == 18, "ABI");
_Static_assert(offsetof(struct weir_admin_completion, generation) == 20, "ABI");
_Static_assert(offsetof(struct weir_admin_completion, reserved1) == 24, "ABI");
_Static_assert(offsetof(struct weir_admin_completion, flags) == 28, "ABI");
#define WEIR_ADMIN_COMPLETION_PHASE_SHIFT 0 /* generation bit as in rx_completion */
#define WEIR_ADMIN_COMPLETION_PHASE_MASK 0x1u

/* event in the admin completion ring */
struct weir_admin_event {
	weir_le16 kind; /* enum admin_entry */
	weir_le16 event; /* see events */
	weir_le16 function; /* the function it is about (0 PF, n VF n-1) */
	weir_le16 count; /* how many of this event were folded into this entry */
	weir_le64 data;
	weir_le32 detail;
	weir_le32 generation;
	weir_le32 reserved;
	weir_le32 flags;
};
_Static_assert(sizeof(struct weir_admin_event) == 32, "ABI");
_Static_assert(offsetof(struct weir_admin_event, kind) == 0, "ABI");
_Static_assert(offsetof(struct weir_admin_event, event) == 2, "ABI");
_Static_assert(offsetof(struct weir_admin_event, function) == 4, "ABI");
_Static_assert(offsetof(struct weir_admin_event, count) == 6, "ABI");
_Static_assert(offsetof(struct weir_admin_event, data) == 8, "ABI");
_Static_assert(offsetof(struct weir_admin_event, detail) == 16, "ABI");
_Static_assert(offsetof(struct weir_admin_event, generation) == 20, "ABI");
_Static_assert(offsetof(struct weir_admin_event, reserved) == 24, "ABI");
_Static_assert(offsetof(struct weir_admin_event, flags) == 28, "ABI");
#define WEIR_ADMIN_EVENT_PHASE_SHIFT 0
#define WEIR_ADMIN_EVENT_PHASE_MASK 0x1u

/* header of an attribute (TLV); the value follows, padded with zero bytes to a multiple of four */
struct weir_attribute {
	weir_le16 type; /* id, with ATTRIBUTE_MUST when it cannot be ignored */
	weir_le16 length; /* bytes of the value, padding not counted */
};
_Static_assert(sizeof(struct weir_attribute) == 4, "ABI");
_Static_assert(offsetof(struct weir_attribute, type) == 0, "ABI");
_Static_assert(offsetof(struct weir_attribute, length) == 2, "ABI");

/* what a steering rule looks at of a frame, as its vport sees it. Bytes are in the order of the wire; what a frame does not have is zero */
struct weir_steer_key {
	uint8_t destination[6]; /* MAC address */
	uint8_t source[6]; /* MAC address */
	uint8_t ethertype[2]; /* type behind the addresses, or behind the outermost tag */
	uint8_t vlan_protocol[2]; /* TPID of the outermost tag; zero: the frame is untagged */
	uint8_t vlan_tci[2]; /* priority, DEI and VLAN id of that tag */
	uint8_t l3; /* enum packet_l3 */
	uint8_t protocol; /* protocol number of the datagram, behind IPv6 extension headers */
	uint8_t traffic_class; /* IPv4 type of service, IPv6 traffic class */
	uint8_t tunnel; /* enum packet_tunnel */
	uint8_t vni[3]; /* of the tunnel */
	uint8_t reserved[3];
	uint8_t source_port[2]; /* TCP, UDP or SCTP; zero in fragments */
	uint8_t destination_port[2];
	uint8_t source_address[16]; /* IPv4: the first four bytes */
	uint8_t destination_address[16]; /* as above */
};
_Static_assert(sizeof(struct weir_steer_key) == 64, "ABI");
_Static_assert(offsetof(struct weir_steer_key, destination) == 0, "ABI");
_Static_assert(offsetof(struct weir_steer_key, source) == 6, "ABI");
_Static_assert(offsetof(struct weir_steer_key, ethertype) == 12, "ABI");
_Static_assert(offsetof(struct weir_steer_key, vlan_protocol) == 14, "ABI");
_Static_assert(offsetof(struct weir_steer_key, vlan_tci) == 16, "ABI");
_Static_assert(offsetof(struct weir_steer_key, l3) == 18, "ABI");
_Static_assert(offsetof(struct weir_steer_key, protocol) == 19, "ABI");
_Static_assert(offsetof(struct weir_steer_key, traffic_class) == 20, "ABI");
_Static_assert(offsetof(struct weir_steer_key, tunnel) == 21, "ABI");
_Static_assert(offsetof(struct weir_steer_key, vni) == 22, "ABI");
_Static_assert(offsetof(struct weir_steer_key, reserved) == 25, "ABI");
_Static_assert(offsetof(struct weir_steer_key, source_port) == 28, "ABI");
_Static_assert(offsetof(struct weir_steer_key, destination_port) == 30, "ABI");
_Static_assert(offsetof(struct weir_steer_key, source_address) == 32, "ABI");
_Static_assert(offsetof(struct weir_steer_key, destination_address) == 48, "ABI");

/* a line of the firmware's log */
struct weir_log_record {
	weir_le64 time_ns;
	weir_le32 sequence;
	weir_le16 function;
	weir_le16 level; /* enum log_level */
	uint8_t message[112]; /* text, zero terminated */
};
_Static_assert(sizeof(struct weir_log_record) == 128, "ABI");
_Static_assert(offsetof(struct weir_log_record, time_ns) == 0, "ABI");
_Static_assert(offsetof(struct weir_log_record, sequence) == 8, "ABI");
_Static_assert(offsetof(struct weir_log_record, function) == 12, "ABI");
_Static_assert(offsetof(struct weir_log_record, level) == 14, "ABI");
_Static_assert(offsetof(struct weir_log_record, message) == 16, "ABI");

/* a device event with its time */
struct weir_trace_record {
	weir_le64 time_ns;
	weir_le32 sequence;
	weir_le16 kind; /* enum trace_kind */
	weir_le16 function;
	weir_le64 address;
	weir_le32 detail;
	weir_le32 length;
	weir_le32 frame; /* number of the traced frame, 0 when none */
	weir_le16 queue;
	weir_le16 vector;
	weir_le16 vport; /* index in the card */
	weir_le16 vlan; /* VLAN id, VLAN_NONE when untagged */
	uint8_t destination[6];
	uint8_t source[6];
	weir_le16 ethertype;
	uint8_t reserved[6];
};
_Static_assert(sizeof(struct weir_trace_record) == 64, "ABI");
_Static_assert(offsetof(struct weir_trace_record, time_ns) == 0, "ABI");
_Static_assert(offsetof(struct weir_trace_record, sequence) == 8, "ABI");
_Static_assert(offsetof(struct weir_trace_record, kind) == 12, "ABI");
_Static_assert(offsetof(struct weir_trace_record, function) == 14, "ABI");
_Static_assert(offsetof(struct weir_trace_record, address) == 16, "ABI");
_Static_assert(offsetof(struct weir_trace_record, detail) == 24, "ABI");
_Static_assert(offsetof(struct weir_trace_record, length) == 28, "ABI");
_Static_assert(offsetof(struct weir_trace_record, frame) == 32, "ABI");
_Static_assert(offsetof(struct weir_trace_record, queue) == 36, "ABI");
_Static_assert(offsetof(struct weir_trace_record, vector) == 38, "ABI");
_Static_assert(offsetof(struct weir_trace_record, vport) == 40, "ABI");
_Static_assert(offsetof(struct weir_trace_record, vlan) == 42, "ABI");
_Static_assert(offsetof(struct weir_trace_record, destination) == 44, "ABI");
_Static_assert(offsetof(struct weir_trace_record, source) == 50, "ABI");
_Static_assert(offsetof(struct weir_trace_record, ethertype) == 56, "ABI");
_Static_assert(offsetof(struct weir_trace_record, reserved) == 58, "ABI");

/* Attributes of admin commands (TLV). */
enum weir_attribute_id {
	WEIR_ATTRIBUTE_FUNCTION = 1, /* u16: function index, FUNCTION_SELF for the sender */
	WEIR_ATTRIBUTE_VPORT = 2, /* u16: vport index within the function, default 0 */
	WEIR_ATTRIBUTE_QUEUE = 3, /* u16: queue pair index within the function */
	WEIR_ATTRIBUTE_RING_ADDRESS = 4, /* u64: descriptor ring, 64-byte aligned */
	WEIR_ATTRIBUTE_RING_LOG2 = 5, /* u8: log2 of its entries */
	WEIR_ATTRIBUTE_COMPLETION_ADDRESS = 6, /* u64: receive: completion ring, 64-byte aligned and zeroed; transmit: four bytes for the head, 4-byte aligned */
	WEIR_ATTRIBUTE_COMPLETION_LOG2 = 7, /* u8: log2 of the completion ring's entries, at least RING_LOG2 */
	WEIR_ATTRIBUTE_VECTOR = 8, /* u16: MSI-X vector or VECTOR_NONE */
	WEIR_ATTRIBUTE_BUFFER_BYTES = 9, /* u32: length of every receive buffer, a multiple of 64 */
	WEIR_ATTRIBUTE_FORMAT = 10, /* u16: descriptor format, default 0 */
	WEIR_ATTRIBUTE_SHADOW_ADDRESS = 11, /* u64: shadow doorbell, aligned to SHADOW_BYTES; 0 or absent: none */
	WEIR_ATTRIBUTE_MAC = 12, /* mac */
	WEIR_ATTRIBUTE_VLAN = 13, /* u16: VLAN id 0 to 4094, or VLAN_NONE */
	WEIR_ATTRIBUTE_VLAN_PRIORITY = 14, /* u8: 0 to 7 */
	WEIR_ATTRIBUTE_VLAN_PROTOCOL = 15, /* u16: 0x8100 or 0x88a8, in host order of the value */
	WEIR_ATTRIBUTE_MTU = 16, /* u16: largest payload above the Ethernet header and up to two VLAN tags */
	WEIR_ATTRIBUTE_VPORT_FLAGS = 17, /* u32: new values of the flags in VPORT_FLAGS_MASK */
	WEIR_ATTRIBUTE_VPORT_FLAGS_MASK = 18, /* u32: which flags to change */
	WEIR_ATTRIBUTE_INDIRECTION = 19, /* bytes: INDIRECTION_ENTRIES 16-bit queue indices */
	WEIR_ATTRIBUTE_SCOPE = 20, /* u8: enum stats_scope */
	WEIR_ATTRIBUTE_INDEX = 21, /* u16: port, vport or queue within the scope */
	WEIR_ATTRIBUTE_STATISTICS = 22, /* bytes: 64-bit counters in the order of the group; a shorter array comes from an older firmware */
	WEIR_ATTRIBUTE_LINK_UP = 23, /* u8 */
	WEIR_ATTRIBUTE_LINK_SPEED_MBPS = 24, /* u32 */
	WEIR_ATTRIBUTE_LINK_POLICY = 25, /* u8: enum link_policy */
	WEIR_ATTRIBUTE_SPOOF_CHECK = 26, /* u8: 0 or 1 */
	WEIR_ATTRIBUTE_TRUST = 27, /* u8: 0 or 1 */
	WEIR_ATTRIBUTE_MIN_RATE_MBPS = 28, /* u32: reserved for the fair scheduler */
	WEIR_ATTRIBUTE_MAX_RATE_MBPS = 29, /* u32: reserved for the fair scheduler */
	WEIR_ATTRIBUTE_STATE = 30, /* u8: enum function_state */
	WEIR_ATTRIBUTE_GENERATION = 31, /* u32 */
	WEIR_ATTRIBUTE_FIRMWARE_VERSION = 32, /* string */
	WEIR_ATTRIBUTE_BOARD = 33, /* string */
	WEIR_ATTRIBUTE_SERIAL = 34, /* u64 */
	WEIR_ATTRIBUTE_ABI_VERSION = 35, /* u32: as the register */
	WEIR_ATTRIBUTE_ROLE = 36, /* u8: enum role */
	WEIR_ATTRIBUTE_SEQUENCE = 37, /* u32: first record wanted / next record after those given */
	WEIR_ATTRIBUTE_LEVEL = 38, /* u8: enum log_level */
	WEIR_ATTRIBUTE_RECORDS = 39, /* bytes: log_record or trace_record, one after the other */
	WEIR_ATTRIBUTE_DATA = 40, /* bytes */
	WEIR_ATTRIBUTE_ENABLE = 41, /* u8: 0 or 1 */
	WEIR_ATTRIBUTE_VFS_ENABLED = 42, /* u16 */
	WEIR_ATTRIBUTE_VFS_TOTAL = 43, /* u16 */
	WEIR_ATTRIBUTE_FILTERS_MAX = 44, /* u16: MAC filters a vport may have */
	WEIR_ATTRIBUTE_FILTERS_USED = 45, /* u16 */
	WEIR_ATTRIBUTE_MASK_MAC = 46, /* mac: bits of MAC that count */
	WEIR_ATTRIBUTE_ETHERTYPE = 47, /* u16 */
	WEIR_ATTRIBUTE_LOST = 48, /* u32: records overwritten before they were read */
	WEIR_ATTRIBUTE_PORTS = 49, /* u8: wire ports */
	WEIR_ATTRIBUTE_ADMIN_MAC = 50, /* u8: 1: the MAC was set by the administrator */
	WEIR_ATTRIBUTE_HASH_KEY = 51, /* bytes: HASH_KEY_BYTES or HASH_KEY_MAX_BYTES, the first byte first */
	WEIR_ATTRIBUTE_HASH_TYPES = 52, /* u32: set of enum hash_type */
	WEIR_ATTRIBUTE_HASH_FUNCTION = 53, /* u8: enum hash_function */
	WEIR_ATTRIBUTE_MODERATION_US = 70, /* u32: longest wait of an armed queue's interrupt in microseconds, 0: none; default 0 */
	WEIR_ATTRIBUTE_MODERATION_COUNT = 71, /* u16: so many completions (receive) or descriptors done (transmit) end the wait, 0: only its time does; default 0 */
	WEIR_ATTRIBUTE_MODERATION_US_MAX = 72, /* u32: greatest MODERATION_US */
	WEIR_ATTRIBUTE_MODERATION_COUNT_MAX = 73, /* u16: greatest MODERATION_COUNT */
	WEIR_ATTRIBUTE_REPORT_ADDRESS = 84, /* u64: ring of tx_report, one for each descriptor of the ring, 64-byte aligned; 0 or absent: none */
	WEIR_ATTRIBUTE_TIME = 85, /* u64: the card's clock in nanoseconds, below 2^63 */
	WEIR_ATTRIBUTE_TIME_OFFSET = 86, /* u64: nanoseconds, two's complement */
	WEIR_ATTRIBUTE_TIME_RATE = 87, /* u64: how much faster the clock runs than by itself: in parts per million, times 2^16, two's complement */
	WEIR_ATTRIBUTE_TIME_RATE_MAX = 88, /* u64: greatest TIME_RATE; the least is its negative */
	WEIR_ATTRIBUTE_STEER_LOCATION = 96, /* u16: place of a steering rule among its vport's: of several rules that match, the least location wins */
	WEIR_ATTRIBUTE_STEER_KEY = 97, /* bytes: a steer_key: what the bits in STEER_MASK must be; the others are zero */
	WEIR_ATTRIBUTE_STEER_MASK = 98, /* bytes: a steer_key: ones are the bits that count */
	WEIR_ATTRIBUTE_STEER_ACTION = 99, /* u8: enum steer_action */
	WEIR_ATTRIBUTE_STEER_MARK = 100, /* u32: told in the completions of frames that match; absent: nothing is told */
	WEIR_ATTRIBUTE_STEER_FRAMES = 101, /* u64: frames that matched the rule */
	WEIR_ATTRIBUTE_STEER_LOCATIONS = 102, /* bytes: 16-bit locations */
	WEIR_ATTRIBUTE_STEER_RULES_MAX = 103, /* u16: steering rules that a vport may have */
	WEIR_ATTRIBUTE_STEER_RULES_USED = 104, /* u16 */
	WEIR_ATTRIBUTE_STEER_MASKS_MAX = 105, /* u8: distinct masks that they may have */
	WEIR_ATTRIBUTE_SPREAD_CONTEXT = 106, /* u8: 1 to SPREAD_CONTEXTS: a spread context of the vport; 0, default: its own spread */
	WEIR_ATTRIBUTE_COALESCE_SEGMENTS = 110, /* u8: most TCP segments that become one received frame, 2 to COALESCE_SEGMENTS_MAX; 0: none do; 0 after reset */
	WEIR_ATTRIBUTE_COALESCE_BYTES = 111, /* u32: longest such frame as delivered, Ethernet header included, at most COALESCE_BYTES_MAX, which it is after reset */
	WEIR_ATTRIBUTE_COALESCE_US = 112, /* u16: how long such a frame may wait for more segments, from its first one on, at most COALESCE_US_MAX; 0: for none that come later; 0 after reset */
	WEIR_ATTRIBUTE_SPLIT_MODE = 114, /* u8: enum split_mode, default NONE */
	WEIR_ATTRIBUTE_HEADER_BYTES = 115, /* u16: with a SPLIT_MODE: length of every header buffer */
	WEIR_ATTRIBUTE_SPLIT_THRESHOLD = 116, /* u16: with a SPLIT_MODE: frames of so many bytes or less go into their header buffer whole; at most HEADER_BYTES, default 0 */
	WEIR_ATTRIBUTE_HEADER_AHEAD = 117, /* u16: with a SPLIT_MODE: headers of frames with so many bytes of payload or more are handed over before that is written; 0, default: none are */
	WEIR_ATTRIBUTE_LOW_LATENCY = 118, /* u8: of a steering rule: 1: frames that match are of low latency; 0, default: the rule says nothing of it */
	WEIR_ATTRIBUTE_LOW_LATENCY_BYTES = 119, /* u16: frames of fewer bytes than so many are of low latency; 0, default: none is */
	WEIR_ATTRIBUTE_LOW_LATENCY_PUSH = 120, /* u8: 1: TCP segments with PSH are of low latency; default 0 */
	WEIR_ATTRIBUTE_LOW_LATENCY_PRIORITIES = 121, /* u8: a bit for each priority: frames with such a tag are of low latency; default 0 */
	WEIR_ATTRIBUTE_LOW_LATENCY_US = 122, /* u16: a queue gets a credit for an interrupt of low latency every so many microseconds; 0: it needs none */
	WEIR_ATTRIBUTE_LOW_LATENCY_CREDITS = 123, /* u8: most credits that a queue has, 1 to 255 */
	WEIR_ATTRIBUTE_STEER_BYTES = 128, /* u64: bytes of those frames as they came to the card */
	WEIR_ATTRIBUTE_SPLIT_KINDS = 130, /* u16: with SPLIT_MODE L3, L4 or INNER: a set of enum split_kind, other frames are not split; 0, default: all are */
	WEIR_ATTRIBUTE_LIMIT
};

enum weir_vport_flag {
	WEIR_VPORT_ENABLE = 1 << 0, /* frames are taken in and out; set by the driver when its queues are ready */
	WEIR_VPORT_PROMISCUOUS = 1 << 1, /* every unicast frame that its VLAN rules accept (privilege PROMISCUOUS) */
	WEIR_VPORT_ALL_MULTICAST = 1 << 2, /* every multicast frame (privilege PROMISCUOUS) */
	WEIR_VPORT_BROADCAST = 1 << 3, /* broadcast frames; on after reset */
	WEIR_VPORT_VLAN_FILTER = 1 << 4, /* frames with an 802.1Q tag only of VLANs added; off after reset: all VLANs */
	WEIR_VPORT_VLAN_STRIP = 1 << 5, /* take an outermost 802.1Q tag out of received frames into the completion */
	WEIR_VPORT_RX_CHECKSUM = 1 << 6, /* verify the checksums of received frames and say so in completions */
	WEIR_VPORT_VLAN_FILTER_8021AD = 1 << 12, /* as VLAN_FILTER, of frames with an 802.1ad tag */
	WEIR_VPORT_VLAN_STRIP_8021AD = 1 << 13, /* as VLAN_STRIP, an outermost 802.1ad tag */
};

/* Admin commands. */
enum weir_command {
	WEIR_COMMAND_GET_INFO = 0x0001, /* what this card and function are */
	WEIR_COMMAND_ECHO = 0x0002, /* gives DATA back: proves the path */
	WEIR_COMMAND_VPORT_GET = 0x0010, /* state of a vport, port VLAN not shown to a VF */
	WEIR_COMMAND_VPORT_SET = 0x0011, /* change a vport; all or nothing */
	WEIR_COMMAND_VPORT_SPREAD = 0x0012, /* how a vport's frames are spread over receive queues; what is left out stays; all or nothing */
	WEIR_COMMAND_VPORT_SPREAD_GET = 0x0013, /* the same, read; before a table was given, INDIRECTION names the queue that takes everything, or 0 */
	WEIR_COMMAND_RX_QUEUE_CREATE = 0x0020, /* make a receive queue */
	WEIR_COMMAND_TX_QUEUE_CREATE = 0x0021, /* make a transmit queue */
	WEIR_COMMAND_RX_QUEUE_DESTROY = 0x0022, /* completes when no DMA of the queue is in flight; buffers are the host's again */
	WEIR_COMMAND_TX_QUEUE_DESTROY = 0x0023, /* as above */
	WEIR_COMMAND_RX_QUEUE_MODERATE = 0x0024, /* how long the interrupt of a receive queue may wait, from now on; what is left out stays */
	WEIR_COMMAND_TX_QUEUE_MODERATE = 0x0025, /* the same of a transmit queue */
	WEIR_COMMAND_STEER_ADD = 0x0028, /* make a steering rule, in place of one at its location */
	WEIR_COMMAND_STEER_DELETE = 0x0029, /* undo STEER_ADD */
	WEIR_COMMAND_STEER_GET = 0x002a, /* a steering rule, and how many frames and bytes matched it */
	WEIR_COMMAND_STEER_LIST = 0x002b, /* locations of a vport's rules, in no particular order; STEER_LOCATION: those that come after it */
	WEIR_COMMAND_SPREAD_DELETE = 0x002c, /* delete a spread context that no rule leads to */
	WEIR_COMMAND_FILTER_ADD = 0x0030, /* take frames to MAC, in VLAN or in any VLAN of the vport */
	WEIR_COMMAND_FILTER_DELETE = 0x0031, /* undo FILTER_ADD */
	WEIR_COMMAND_VLAN_ADD = 0x0032, /* make the vport a member of VLAN */
	WEIR_COMMAND_VLAN_DELETE = 0x0033, /* undo VLAN_ADD */
	WEIR_COMMAND_STATS_GET = 0x0040, /* counters of a scope; FUNCTION other than the sender needs VF_ADMIN */
	WEIR_COMMAND_LINK_GET = 0x0050, /* link as this function sees it */
	WEIR_COMMAND_LINK_SET = 0x0051, /* administrative state of a wire port */
	WEIR_COMMAND_VF_GET = 0x0060, /* what the administrator decided for a VF and how it is */
	WEIR_COMMAND_VF_SET = 0x0061, /* decide for a VF; all or nothing; survives the VF's resets; VLAN 0 means no port VLAN; zero MAC: none */
	WEIR_COMMAND_VF_RESET = 0x0062, /* reset a VF as its own SOFT_RESET would, after RESET_IMPENDING */
	WEIR_COMMAND_LOG_READ = 0x0070, /* log records from SEQUENCE on */
	WEIR_COMMAND_LOG_LEVEL = 0x0071, /* lines above LEVEL are not kept */
	WEIR_COMMAND_TRACE_SET = 0x0078, /* start (clearing the ring) or stop the trace; frames only of FUNCTION, MAC under MASK_MAC (destination or source), VLAN, ETHERTYPE where given */
	WEIR_COMMAND_TRACE_READ = 0x0079, /* trace records from SEQUENCE on */
	WEIR_COMMAND_TIME_GET = 0x0080, /* the card's clock, and how it is adjusted */
	WEIR_COMMAND_TIME_SET = 0x0081, /* set the card's clock, or move it by TIME_OFFSET, and change its rate; all or nothing */
};

/* Asynchronous events. */
enum weir_event {
	WEIR_EVENT_LINK = 1, /* the function's link changed; data: speed in Mb/s, detail: 1 up. Folded: only the last state is sent */
	WEIR_EVENT_RESET_IMPENDING = 2, /* a reset of this function follows; to the PF: detail 1 for one of its VFs */
	WEIR_EVENT_VF_CHANGED = 3, /* to a VF: the administrator changed MAC, VLAN, trust or link policy; read VPORT_GET again */
	WEIR_EVENT_VF_STATE = 4, /* to the PF: a VF's function_state changed (detail) */
	WEIR_EVENT_MISBEHAVIOUR = 5, /* to the PF: function did something it must not; detail: enum misbehaviour, count folded, at most one a second per function and kind */
	WEIR_EVENT_EVENTS_LOST = 6, /* data: events dropped for want of room in the completion ring */
	WEIR_EVENT_FIRMWARE_ERROR = 7, /* see LOG_READ */
};

/* Order of the counters of scope PORT. */
enum weir_stat_port {
	WEIR_STAT_PORT_RX_FRAMES = 0, /* frames from the wire */
	WEIR_STAT_PORT_RX_BYTES = 1,
	WEIR_STAT_PORT_TX_FRAMES = 2, /* frames to the wire */
	WEIR_STAT_PORT_TX_BYTES = 3,
	WEIR_STAT_PORT_RX_DROPPED_NO_VPORT = 4, /* no vport takes this MAC and VLAN */
	WEIR_STAT_PORT_RX_DROPPED_MALFORMED = 5, /* too short */
	WEIR_STAT_PORT_TX_DROPPED_LINK_DOWN = 6, /* there was no link when the frame's turn came */
	WEIR_STAT_PORT_TX_DROPPED_WIRE = 7, /* the wire was up and did not take the frame */
	WEIR_STAT_PORT_COUNT
};

/* Order of the counters of scope FUNCTION. */
enum weir_stat_function {
	WEIR_STAT_FUNCTION_RESETS = 0,
	WEIR_STAT_FUNCTION_BAD_DOORBELLS = 1,
	WEIR_STAT_FUNCTION_BAD_MMIO = 2, /* accesses of a width or at an offset that has nothing */
	WEIR_STAT_FUNCTION_ADMIN_COMMANDS = 3,
	WEIR_STAT_FUNCTION_ADMIN_ERRORS = 4,
	WEIR_STAT_FUNCTION_EVENTS_SENT = 5,
	WEIR_STAT_FUNCTION_EVENTS_LOST = 6,
	WEIR_STAT_FUNCTION_DMA_FAULTS = 7,
	WEIR_STAT_FUNCTION_INTERRUPTS = 8,
	WEIR_STAT_FUNCTION_QUEUES_STOPPED = 9, /* queues disabled for misbehaviour or a fault */
	WEIR_STAT_FUNCTION_COUNT
};

/* Order of the counters of scope VPORT. */
enum weir_stat_vport {
	WEIR_STAT_VPORT_RX_FRAMES = 0,
	WEIR_STAT_VPORT_RX_BYTES = 1,
	WEIR_STAT_VPORT_RX_MULTICAST = 2,
	WEIR_STAT_VPORT_RX_BROADCAST = 3,
	WEIR_STAT_VPORT_RX_DROPPED_NO_QUEUE = 4, /* the vport or its queue is not enabled */
	WEIR_STAT_VPORT_RX_DROPPED_NO_BUFFER = 5, /* the host posted too few buffers */
	WEIR_STAT_VPORT_RX_DROPPED_FAULT = 6, /* a transfer to the host failed */
	WEIR_STAT_VPORT_RX_DROPPED_OVERSIZE = 7, /* longer than the vport's MTU allows */
	WEIR_STAT_VPORT_TX_FRAMES = 8,
	WEIR_STAT_VPORT_TX_BYTES = 9,
	WEIR_STAT_VPORT_TX_MULTICAST = 10,
	WEIR_STAT_VPORT_TX_BROADCAST = 11,
	WEIR_STAT_VPORT_TX_DROPPED_SPOOF = 12, /* source MAC or VLAN not the vport's */
	WEIR_STAT_VPORT_TX_DROPPED_MALFORMED = 13, /* descriptors or frame that cannot be obeyed */
	WEIR_STAT_VPORT_TX_DROPPED_FAULT = 14, /* a transfer from the host failed */
	WEIR_STAT_VPORT_TX_DROPPED_LINK = 15, /* link policy disable, or the wire is down */
	WEIR_STAT_VPORT_TX_LOOPED = 16, /* frames delivered inside the card */
	WEIR_STAT_VPORT_RX_CHECKSUM_BAD = 17, /* frames of which a checksum was found to be wrong; they are delivered (with RX_CHECKSUM) */
	WEIR_STAT_VPORT_TX_SEGMENTED = 18, /* frames with SEGMENT that were cut; their segments are the ones in tx_frames */
	WEIR_STAT_VPORT_RX_DROPPED_BY_RULE = 19, /* frames that a steering rule drops */
	WEIR_STAT_VPORT_RX_COALESCED = 20, /* frames that became part of an aggregate; rx_frames and rx_bytes count them as they came */
	WEIR_STAT_VPORT_RX_AGGREGATES = 21, /* aggregates delivered */
	WEIR_STAT_VPORT_RX_LOW_LATENCY = 22, /* frames of low latency that were given to a queue */
	WEIR_STAT_VPORT_RX_LOW_LATENCY_HELD = 23, /* times that such frames found their queue without a credit, and waited as others do */
	WEIR_STAT_VPORT_RX_COALESCE_EXPIRED = 24, /* frames and aggregates that waited for a segment until COALESCE_US was over */
	WEIR_STAT_VPORT_COUNT
};

/* Order of the counters of scope RX_QUEUE. */
enum weir_stat_rx_queue {
	WEIR_STAT_RX_QUEUE_FRAMES = 0,
	WEIR_STAT_RX_QUEUE_BYTES = 1,
	WEIR_STAT_RX_QUEUE_DROPPED_NO_BUFFER = 2,
	WEIR_STAT_RX_QUEUE_INTERRUPTS = 3, /* times the queue raised its vector */
	WEIR_STAT_RX_QUEUE_INTERRUPTS_TIMED = 4, /* of these */
	WEIR_STAT_RX_QUEUE_INTERRUPTS_COUNTED = 5, /* of these */
	WEIR_STAT_RX_QUEUE_INTERRUPTS_LOW_LATENCY = 6, /* of these, when a frame of low latency ended the wait */
	WEIR_STAT_RX_QUEUE_COUNT
};

/* Order of the counters of scope TX_QUEUE. */
enum weir_stat_tx_queue {
	WEIR_STAT_TX_QUEUE_FRAMES = 0,
	WEIR_STAT_TX_QUEUE_BYTES = 1,
	WEIR_STAT_TX_QUEUE_DROPPED = 2,
	WEIR_STAT_TX_QUEUE_INTERRUPTS = 3, /* times the queue raised its vector */
	WEIR_STAT_TX_QUEUE_INTERRUPTS_TIMED = 4, /* of these */
	WEIR_STAT_TX_QUEUE_INTERRUPTS_COUNTED = 5, /* of these */
	WEIR_STAT_TX_QUEUE_SEGMENTED = 6, /* frames with SEGMENT that were cut */
	WEIR_STAT_TX_QUEUE_TIMESTAMPS = 7, /* frames that asked for the time they were sent at and were told */
	WEIR_STAT_TX_QUEUE_TIMESTAMPS_MISSED = 8, /* frames that asked and were not: they were dropped, or lost on the wire */
	WEIR_STAT_TX_QUEUE_COUNT
};

#endif
