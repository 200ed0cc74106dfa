/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the server share.
 *
 *	server.c           life of the server and of its clients, the event descriptor
 *	server_stream.c    bytes to messages, replies to bytes
 *	server_messages.c  which command does what; version, info and region access
 *	server_dma.c       the table of client memory
 *	server_irq.c       the table of eventfds
 *	sigbus.c           surviving a client that truncates its memory
 */
#ifndef VFU_SERVER_INTERNAL_H
#define VFU_SERVER_INTERNAL_H

#include <stdatomic.h>

#include "transport.h"
#include "vfio_user/server.h"

/** Connections that are being told that somebody else is served. */
#define VFU_REFUSED_SLOTS 4

/** Smallest room for a payload; a larger max_data_transfer_bytes widens it. */
#define VFU_MIN_PAYLOAD_BYTES 8192

enum vfu_state {
	VFU_STATE_IDLE,	     /* nobody is there */
	VFU_STATE_CONNECTED, /* a client is there, agreed or not */
	VFU_STATE_DRAINING,  /* the client is gone, the device still uses its memory */
};

/** A message being received. */
struct vfu_input {
	struct vfu_header header;
	size_t header_bytes; /* received so far */
	uint8_t *payload;    /* payload_capacity bytes */
	size_t payload_capacity;
	size_t payload_size;	/* what the header announces */
	size_t payload_bytes;	/* received so far */
	uint64_t discard_bytes; /* of an oversized message, still to come */
	struct vfu_fd_list fds;
};

/** A reply on its way. */
struct vfu_output {
	struct vfu_output *next;
	size_t size_bytes;
	size_t sent_bytes;
	int fd; /* goes along with the first byte; not ours to close; -1: none */
	uint8_t bytes[];
};

struct vfu_connection {
	struct vfu_transport transport;
	uint32_t watched_events;
	bool negotiated;  /* a VERSION was agreed on, and client_connected called */
	bool may_get_fds; /* the client takes descriptors in replies */
	bool doomed;	  /* to be hung up on as soon as the current message is done */
	enum vfu_gone_reason doom_reason;
	bool unsealed_logged;
	uint32_t log_lines;
	struct vfu_input input;
	struct vfu_output *output_first;
	struct vfu_output *output_last;
	size_t output_bytes;
};

/** A connection too many: its first header is awaited, so that it can be answered. */
struct vfu_refused {
	int fd; /* -1: free */
	struct vfu_header header;
	size_t header_bytes;
};

struct vfu_dma_entry {
	struct vfu_dma_region region; /* fd is -1: it is closed once mapped */
	int guard_slot;		      /* in sigbus.c, or -1 */
};

struct vfu_irq_entry {
	uint32_t count;
	uint32_t flags;
	int *eventfds; /* count of them, -1 where there is none */
};

/** What the device has been asked to do and has not finished. */
enum vfu_pending_kind {
	VFU_PENDING_NONE,
	VFU_PENDING_UNMAP,
	VFU_PENDING_UNMAP_ALL,
	VFU_PENDING_RESET
};

struct vfu_pending {
	enum vfu_pending_kind kind;
	/*
	 * Written by vfu_server_complete_…() from any thread: 0 nothing pending, 1 an unmap is, 2 a
	 * reset is, 0x10000 | errno it is complete.
	 */
	atomic_int state;
	struct vfu_header header;	    /* of the command to be answered */
	struct vfu_message_dma_unmap unmap; /* its payload */
};

#define VFU_PENDING_STATE_NONE	   0
#define VFU_PENDING_STATE_UNMAP	   1
#define VFU_PENDING_STATE_RESET	   2
#define VFU_PENDING_STATE_COMPLETE 0x10000
#define VFU_ERRNO_MAX		   4095

struct vfu_server {
	char *name;
	char *socket_path;
	dev_t socket_device; /* the socket file that is ours to remove */
	ino_t socket_inode;
	bool require_sealed_memory;
	bool allow_ordinary_files;
	struct vfu_server_limits limits;
	const struct vfu_server_callbacks *callbacks;
	void *device;
	struct vfu_server_region regions[VFU_REGIONS];
	struct vfu_irq_entry irqs[VFU_IRQS];

	int epoll_fd;
	int listen_fd;	     /* -1: none */
	int wake_fd;	     /* an eventfd: something happened outside of vfu_server_process() */
	bool accept_waiting; /* somebody may wait in the listening socket's queue; told but once */
	bool processing;

	enum vfu_state state;
	struct vfu_connection connection;
	struct vfu_refused refused[VFU_REFUSED_SLOTS];
	unsigned int refused_next;
	atomic_bool drop_wanted;
	atomic_bool memory_lost;
	struct vfu_pending pending;

	struct vfu_dma_entry *dma; /* ascending iova */
	uint32_t dma_count;
	uint32_t dma_capacity;

	struct vfu_server_stats stats;
};

/** A complete message while it is handled. */
struct vfu_message {
	struct vfu_header header;
	const uint8_t *payload;
	size_t payload_bytes;
	struct vfu_fd_list *fds;
	struct vfu_output *reply; /* made by the handler with vfu_reply_new(); NULL: header only */
};

/* --- server.c ------------------------------------------------------------------------------------ */

/** A log line, if a callback wants it. Warnings count against the client's max_log_lines. */
void vfu_log(struct vfu_server *server, enum vfu_log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Counts what is wrong with a message, logs it, and returns `error` (a negative errno). */
int vfu_fault(struct vfu_server *server, enum vfu_fault fault, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/** Has the client hung up on once the current message is done. The first reason counts. */
void vfu_doom(struct vfu_server *server, enum vfu_gone_reason reason);

/** What epoll hands back: which descriptor it was. */
enum vfu_event_source {
	VFU_SOURCE_WAKE,
	VFU_SOURCE_LISTEN,
	VFU_SOURCE_CLIENT,
	VFU_SOURCE_REFUSED, /* and one more for each further slot */
};

/**
 * Gives an idle server its client. The transport is the server's from now on, unless this fails.
 *
 * @return 0 or a negative errno
 */
int vfu_server_connect(struct vfu_server *server, const struct vfu_transport *transport);

/** Wakes vfu_server_process(); async-signal-safe. */
void vfu_wake(int wake_fd);

/** Begins what the device may finish later: before the callback is called. */
void vfu_pending_begin(struct vfu_server *server, enum vfu_pending_kind kind);

/** Ends it, because the callback finished it at once. */
void vfu_pending_cancel(struct vfu_server *server);

/* --- server_stream.c ----------------------------------------------------------------------------- */

/** Largest payload that is received now: little before a version is agreed on. */
size_t vfu_max_payload(const struct vfu_server *server);

enum vfu_input_result {
	VFU_INPUT_NOTHING,  /* no more is there now */
	VFU_INPUT_PROGRESS, /* part of an oversized message was skipped; there may be more */
	VFU_INPUT_MESSAGE,  /* a message is complete, in connection.input */
	VFU_INPUT_FAILED,   /* the client is doomed */
};

/** Receives until a message is complete or nothing more is there. */
enum vfu_input_result vfu_input_receive(struct vfu_server *server);

/** Makes ready for the next message: closes descriptors that nobody took, gives back large buffers. */
void vfu_input_next(struct vfu_server *server);

/** Frees what the connection holds, unsent replies too. */
void vfu_stream_free(struct vfu_server *server);

/**
 * A reply with room for payload_bytes, zeroed.
 *
 * @return it, or NULL
 */
struct vfu_output *vfu_reply_new(size_t payload_bytes);

/** The payload of a reply. */
void *vfu_reply_payload(struct vfu_output *reply);

/**
 * Answers a command, unless it wants no answer.
 *
 * @param error  0, or a negative errno: then the reply is a header alone
 * @param reply  from vfu_reply_new(), taken over; NULL: a header alone
 */
void vfu_reply(struct vfu_server *server, const struct vfu_header *header, int error,
	       struct vfu_output *reply);

/** Sends what the client takes. Dooms a client that is gone or takes too little. */
void vfu_output_flush(struct vfu_server *server);

/* --- server_messages.c --------------------------------------------------------------------------- */

/** Handles the complete message in connection.input, and answers it or leaves it pending. */
void vfu_message_handle(struct vfu_server *server);

/** What each kind of command does: 0, VFU_PENDING, or a negative errno for an error reply. */
int vfu_handle_dma_map(struct vfu_server *server, struct vfu_message *message);
int vfu_handle_dma_unmap(struct vfu_server *server, struct vfu_message *message);
int vfu_handle_set_irqs(struct vfu_server *server, struct vfu_message *message);
int vfu_handle_irq_info(struct vfu_server *server, struct vfu_message *message);

/* --- server_dma.c -------------------------------------------------------------------------------- */

/** Unmaps the entry that a pending unmap names, and makes the reply. */
struct vfu_output *vfu_dma_unmap_finish(struct vfu_server *server);

/** Unmaps everything; the device must be done with it. */
void vfu_dma_unmap_all(struct vfu_server *server);

/* --- server_irq.c -------------------------------------------------------------------------------- */

/** Closes all eventfds of the client. */
void vfu_irqs_close(struct vfu_server *server);

/* --- sigbus.c ------------------------------------------------------------------------------------ */

/** Whether the handler is there. */
bool vfu_guard_installed(void);

/**
 * Has the guard watch a mapping.
 *
 * @param lost     set when the client has truncated it
 * @param wake_fd  an eventfd that is then signalled
 * @return a slot for vfu_guard_remove(), or -ENOMEM if there is none left
 */
int vfu_guard_add(void *address, size_t length_bytes, atomic_bool *lost, int wake_fd);

/** Ends it, before the mapping is unmapped. */
void vfu_guard_remove(int slot);

#endif
