/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vfio-user server: one PCI function behind one unix socket.
 *
 * A server serves one client at a time, for as many clients in a row as come. It has no thread: the
 * caller's event loop watches one descriptor and calls vfu_server_process() when it is readable.
 * The device itself is a set of callbacks.
 *
 *	static int region_read(void *device, uint32_t region, uint64_t offset_bytes, void *buffer,
 *			       size_t length_bytes);
 *	static int region_write(void *device, uint32_t region, uint64_t offset_bytes,
 *				const void *buffer, size_t length_bytes);
 *
 *	static const struct vfu_server_callbacks callbacks = {
 *		.region_read = region_read,
 *		.region_write = region_write,
 *	};
 *	struct vfu_server_config config = {
 *		.name = "vf3",
 *		.socket_path = "/run/nic/vf3.sock",
 *		.callbacks = &callbacks,
 *		.device = my_device,
 *	};
 *	struct vfu_server *server;
 *
 *	config.regions[VFU_REGION_CONFIG] = (struct vfu_server_region){
 *		.size_bytes = 4096, .readable = true, .writable = true,
 *	};
 *	config.irqs[VFU_IRQ_MSIX].count = 17;
 *	if (vfu_server_create(&config, &server) == 0)
 *		watch(vfu_server_fd(server), POLLIN, server);	// then vfu_server_process(server)
 *
 * The life of a client
 *
 *	connects -> VERSION agreed -> client_connected -> messages ... -> client_gone
 *	         -> its interrupts are closed -> dma_unmap of everything -> the next may come
 *
 * A client can end at any byte of any message (kill -9), and the device sees the same sequence. Who
 * connects while another is there gets the error EBUSY for its VERSION message and is hung up on;
 * who connects while the memory of the last one is still being released waits its turn.
 *
 * What a client may do to its server
 *
 * Nothing beyond its own device. Whatever is malformed is answered with an error reply where the
 * protocol has one, counted (struct vfu_server_stats) and logged. Only a message whose end cannot be
 * found, a failed negotiation, and the cases of enum vfu_gone_reason cost a client its connection.
 * A client that sends without reading its replies is hung up on once max_output_bytes wait for it.
 *
 * Two things need the caller's help, since sharing memory and events is what the protocol is for:
 *
 *  - Memory. A client can truncate a file that is mapped here, and whoever touches the lost pages
 *    gets SIGBUS. Files shorter than the range they are to back are refused, and those sealed
 *    against shrinking (F_SEAL_SHRINK, as QEMU's memory-backend-memfd are) cannot be truncated. For
 *    the others call vfu_sigbus_guard_install() once; or set require_sealed_memory.
 *    Memory must be shared memory (memfd, tmpfs or hugetlbfs): pages of another filesystem are
 *    fetched by whoever implements it, perhaps never. allow_ordinary_files lifts that.
 *  - Interrupts. A client can fill its eventfd so that a write() to it would wait for ever. Signal
 *    them with vfu_eventfd_signal(), which looks first.
 *
 * And one has no remedy here: to close() a descriptor of a FUSE filesystem can mean to wait for whoever
 * implements it. Let those connect whom you would let kill the process (hence the mode of the socket).
 *
 * Threads
 *
 * All calls on one server belong to one thread at a time, with the exceptions that say "from any
 * thread". Callbacks run inside vfu_server_process() and must call neither it nor
 * vfu_server_destroy(). Different servers are independent.
 *
 * A server takes three descriptors, one more while a client is there, and the client's eventfds: raise
 * RLIMIT_NOFILE for a thousand of them. What cannot be taken in for want of descriptors waits.
 */
#ifndef VFIO_USER_SERVER_H
#define VFIO_USER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vfio_user/protocol.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vfu_server;

/** How much a log line matters. What a client did wrong is a warning: the server itself is well. */
enum vfu_log_level { VFU_LOG_ERROR, VFU_LOG_WARNING, VFU_LOG_INFO, VFU_LOG_DEBUG };

/** What a callback answers that may take its time. */
enum vfu_progress {
	VFU_DONE = 0,	 /* done */
	VFU_PENDING = 1, /* begun; vfu_server_complete_…() will be called */
};

/** Why a client is no longer there. */
enum vfu_gone_reason {
	VFU_GONE_HANGUP,      /* it closed its socket, or died */
	VFU_GONE_PROTOCOL,    /* it sent what cannot be a message, or no acceptable VERSION */
	VFU_GONE_SLOW_READER, /* more than max_output_bytes of replies waited for it */
	VFU_GONE_LOST_MEMORY, /* it truncated memory that it had mapped (vfu_sigbus_guard_install()) */
	VFU_GONE_NO_RESOURCES, /* no memory here to receive or answer a message */
	VFU_GONE_DROPPED,      /* vfu_server_drop_client() */
	VFU_GONE_REASONS,
};

/** What can be wrong with a message; each has a counter. */
enum vfu_fault {
	VFU_FAULT_HEADER, /* size below the header's, a type that is none, reserved flags, a stray reply */
	VFU_FAULT_OVERSIZED, /* larger than any message may be; skipped */
	VFU_FAULT_TRUNCATED, /* the client left in the middle of it */
	VFU_FAULT_STATE,     /* before VERSION was agreed, or VERSION once more */
	VFU_FAULT_VERSION,   /* another major version, bad JSON */
	VFU_FAULT_COMMAND,   /* unknown, not supported, or not for a server */
	VFU_FAULT_SIZE,	     /* payload or argument size does not fit the command */
	VFU_FAULT_FDS,	     /* descriptors missing, too many, not wanted, or of the wrong kind */
	VFU_FAULT_REGION,    /* no such region, outside of it, or not allowed there */
	VFU_FAULT_DMA,	     /* overlap, too many, misaligned, not found, file too short */
	VFU_FAULT_IRQ,	     /* no such interrupt, contradictory flags */
	VFU_FAULT_DEVICE,    /* well-formed, but the device's callback said no */
	VFU_FAULTS,
};

/** Counters of a server since it was created; all grow only. */
struct vfu_server_stats {
	uint64_t clients_connected; /* that agreed on a version */
	uint64_t clients_refused;   /* that came while another was there */
	uint64_t clients_gone;	    /* of all that were let in, agreed or not */
	uint64_t gone[VFU_GONE_REASONS];
	uint64_t accept_failures; /* accept() found no descriptor or memory; tried again later */
	uint64_t messages;	  /* complete, good or bad */
	uint64_t replies;	  /* without error */
	uint64_t error_replies;
	uint64_t errors_unanswered; /* failed commands that wanted no reply */
	uint64_t faults[VFU_FAULTS];
	uint64_t region_reads;
	uint64_t region_writes; /* each write of a REGION_WRITE_MULTI counts */
	uint64_t dma_maps;
	uint64_t dma_unmaps; /* mappings taken away, by command or with their client */
	uint64_t irq_commands;
	uint64_t resets;
	uint64_t fds_received;
	uint64_t fds_discarded;	       /* received and closed unused */
	uint64_t bytes_discarded;      /* of oversized messages */
	uint64_t log_lines_suppressed; /* beyond max_log_lines of a client */
};

/** A region. All zero: the region is not there (its info says size 0). */
struct vfu_server_region {
	uint64_t size_bytes;
	bool readable;
	bool writable;
	bool mappable;		    /* mmap_fd is valid and is handed to clients */
	int mmap_fd;		    /* the caller's, open as long as the server */
	uint64_t mmap_offset_bytes; /* of the region in mmap_fd */
	/* The parts that can be mapped; none: all of it. Copied; page-aligned, inside, ascending. */
	const struct vfu_sparse_area *sparse_areas;
	uint32_t sparse_area_count;
};

/** A kind of interrupt. */
struct vfu_server_irq {
	uint32_t count; /* vectors */
	uint32_t flags; /* VFU_IRQ_INFO_… beside EVENTFD, which is always said; MASKABLE wants irq_mask */
};

/** Limits; a 0 stands for the default. */
struct vfu_server_limits {
	uint32_t max_message_fds;	  /* 16, the most QEMU accepts; at most VFU_FDS_MAX */
	uint32_t max_data_transfer_bytes; /* 1 MiB, of one REGION_READ or REGION_WRITE */
	uint32_t max_dma_maps;		  /* 4096; the kernel allows a process some 65,000 in all */
	uint32_t max_output_bytes;	  /* 4 MiB of replies not yet taken by the client */
	uint32_t max_log_lines;		  /* 64 warnings about one client */
	uint64_t page_sizes; /* 4096, or'ed; the smallest aligns iova and length of a map */
};

/** A range of client memory that the device may use. */
struct vfu_dma_region {
	uint64_t iova;
	uint64_t length_bytes;
	void *address; /* where it is mapped here; NULL if the client gave no descriptor */
	bool readable; /* by the device */
	bool writable; /* by the device */
	bool sealed;   /* the client cannot truncate it */
	int fd;	       /* in dma_map only, and valid only during it (dup() to keep); -1: none */
	uint64_t offset_bytes; /* in fd */
};

/** The device. Every callback gets `device` of the configuration; those not marked may be NULL. */
struct vfu_server_callbacks {
	/** A client has agreed on a version and may now send commands. */
	void (*client_connected)(void *device);

	/**
	 * The client of the last client_connected is gone. Its eventfds are closed when this
	 * returns: no thread of the device may use them any more. Its memory stays until dma_unmap
	 * is done. The state of the device stays, if the device does not decide otherwise.
	 */
	void (*client_gone)(void *device, enum vfu_gone_reason reason);

	/**
	 * Reads length_bytes (at least 1, within the region) at offset_bytes into buffer, which is
	 * zeroed. Required.
	 *
	 * @return 0, or a negative errno that the client is told
	 */
	int (*region_read)(void *device, uint32_t region, uint64_t offset_bytes, void *buffer,
			   size_t length_bytes);

	/** Writes, likewise. Required. */
	int (*region_write)(void *device, uint32_t region, uint64_t offset_bytes,
			    const void *buffer, size_t length_bytes);

	/**
	 * The client offers memory. `region` is valid during the call; region->address until
	 * dma_unmap is done with it. Note that QEMU aborts when a map is refused.
	 *
	 * @return 0, or a negative errno that refuses it
	 */
	int (*dma_map)(void *device, const struct vfu_dma_region *region);

	/**
	 * The client takes memory back: `region` (valid during the call), or NULL for everything.
	 * The memory is unmapped and the client told only when this is done: answer VFU_PENDING while the device may still
	 * touch it, and call vfu_server_complete_unmap() later. Until then nothing else that this
	 * client sends is looked at. Also called with NULL after client_gone; should a client go
	 * while an answer is pending, the call for NULL comes after that is complete.
	 */
	enum vfu_progress (*dma_unmap)(void *device, const struct vfu_dma_region *region);

	/**
	 * Vectors [start, start + count) of kind `index` (enum vfu_irq) are from now on signalled by
	 * eventfds[0..count-1], or not at all if eventfds is NULL. The descriptors belong to the
	 * library. Those they replace are closed when this returns 0: no thread of the device may
	 * use them any more.
	 *
	 * @return 0, or a negative errno that refuses the change
	 */
	int (*irq_eventfds)(void *device, uint32_t index, uint32_t start, uint32_t count,
			    const int *eventfds);

	/**
	 * The client masks or unmasks vectors [start, start + count) of kind `index`.
	 *
	 * @return 0, or a negative errno
	 */
	int (*irq_mask)(void *device, uint32_t index, uint32_t start, uint32_t count, bool masked);

	/**
	 * The client asks for a function level reset. Without this callback the device says that it
	 * cannot be reset. Memory and eventfds stay as they are.
	 *
	 * @return VFU_DONE, VFU_PENDING (then vfu_server_complete_reset() must follow; nothing else
	 *         that this client sends is looked at until then), or a negative errno
	 */
	int (*device_reset)(void *device);

	/** One line, without a line break, that begins with the server's name. */
	void (*log)(void *device, enum vfu_log_level level, const char *line);
};

/** A server to be created. Copied, save what the callbacks and descriptors stand for. */
struct vfu_server_config {
	const char *name; /* for log lines; NULL: the socket's path */
	/*
	 * Where to listen; NULL: nowhere, clients come by vfu_server_adopt(). A socket that a dead
	 * server left behind is replaced. Taken away by vfu_server_destroy().
	 */
	const char *socket_path;
	mode_t socket_mode;	    /* of the socket, less the umask; 0: 0600 */
	bool require_sealed_memory; /* refuse DMA maps of files not sealed against shrinking */
	bool allow_ordinary_files;  /* take DMA maps of files of any filesystem */
	struct vfu_server_region regions[VFU_REGIONS];
	struct vfu_server_irq irqs[VFU_IRQS];
	struct vfu_server_limits limits;
	const struct vfu_server_callbacks *callbacks; /* valid as long as the server */
	void *device;
};

/**
 * Creates a server and begins to listen.
 *
 * @param[out] server  the new server; give it to vfu_server_destroy()
 * @return 0; -EINVAL if the configuration contradicts itself; -EADDRINUSE if another server listens
 *         there; -EEXIST if the path is something else than a socket; -ENAMETOOLONG; or what the
 *         system said
 */
int vfu_server_create(const struct vfu_server_config *config, struct vfu_server **server);

/**
 * Hangs up, unmaps all client memory, removes the socket and frees the server. No callback is
 * called: the device must have stopped using client memory and eventfds. NULL is ignored.
 */
void vfu_server_destroy(struct vfu_server *server);

/** The descriptor to watch: readable when vfu_server_process() has work. Valid until destroyed. */
int vfu_server_fd(const struct vfu_server *server);

/**
 * Does what there is to do without waiting for anything: takes and refuses clients, handles a
 * bounded number of messages (the descriptor stays readable if more are there), sends what the
 * client takes.
 *
 * @return 0; -EBUSY from inside a callback; or what the system said of the event descriptor itself
 */
int vfu_server_process(struct vfu_server *server);

/**
 * Makes a connected unix stream socket the server's client, as if it had come in by socket_path.
 *
 * @param socket_fd  belongs to the server from now on if this succeeds
 * @return 0; -EBUSY if another client is there or not yet released; or what the system said
 */
int vfu_server_adopt(struct vfu_server *server, int socket_fd);

/** Whether a client is there that has agreed on a version. */
bool vfu_server_has_client(const struct vfu_server *server);

/** The process that connected (SO_PEERCRED): 0 if it has no number here; -1 if no client is there. */
pid_t vfu_server_client_pid(const struct vfu_server *server);

/** Hangs up on the client, if there is one, in the next vfu_server_process(). From any thread. */
void vfu_server_drop_client(struct vfu_server *server);

/**
 * The dma_unmap that was answered VFU_PENDING is done: nothing touches that memory any more. From
 * any thread, also before the callback has returned; the rest happens in vfu_server_process().
 *
 * @return 0, or -EINVAL if no dma_unmap is pending
 */
int vfu_server_complete_unmap(struct vfu_server *server);

/**
 * The device_reset that was answered VFU_PENDING is done. As vfu_server_complete_unmap().
 *
 * @param error  0, or a negative errno that the client is told
 * @return 0, or -EINVAL if no device_reset is pending or error is not an errno
 */
int vfu_server_complete_reset(struct vfu_server *server, int error);

/**
 * Finds client memory.
 *
 * @param writable      whether the device wants to write there (else to read)
 * @param[out] address  of iova, length_bytes of which lie in one mapping
 * @return 0; -EFAULT if they do not; -EACCES if the client does not allow it; -ENXIO if the client
 *         gave no descriptor for it
 */
int vfu_server_dma_find(const struct vfu_server *server, uint64_t iova, uint64_t length_bytes,
			bool writable, void **address);

/** Number of ranges of client memory now mapped. */
uint32_t vfu_server_dma_count(const struct vfu_server *server);

/** The eventfd of a vector, the library's; -1 if the client has given none, or there is no such vector. */
int vfu_server_irq_eventfd(const struct vfu_server *server, uint32_t index, uint32_t vector);

/**
 * Signals a vector.
 *
 * @return 0; -ENOENT if the client has given no eventfd; -EAGAIN if it is full, hence signalled
 */
int vfu_server_irq_trigger(struct vfu_server *server, uint32_t index, uint32_t vector);

/** Copies the counters. */
void vfu_server_get_stats(const struct vfu_server *server, struct vfu_server_stats *stats);

/** Short lower-case words for logs and tools: "hangup", "slow reader"; "dma", "truncated". */
const char *vfu_gone_reason_name(enum vfu_gone_reason reason);
const char *vfu_fault_name(enum vfu_fault fault);

/**
 * Adds 1 to an eventfd that a client gave, without waiting even if the client has filled it. Two
 * system calls. (Against a client that fills it between the two there is no remedy: whether a write
 * to an eventfd waits is a flag that both sides share.) From any thread.
 *
 * @return 0; -EAGAIN if it is full, hence signalled already; or what the system said
 */
int vfu_eventfd_signal(int eventfd);

/**
 * Installs a SIGBUS handler for the whole process, once however often it is called. When a thread
 * touches client memory that its client has truncated, the handler puts zero pages in its place, so
 * that the thread goes on, and the client is hung up on (VFU_GONE_LOST_MEMORY). Covers the unsealed
 * mappings that are made after the call; it has room for 16384 of all servers together, and further
 * ones are refused (ENOMEM). Any other SIGBUS goes to the handler that was there before. From any
 * thread.
 *
 * @return 0, or what sigaction() said
 */
int vfu_sigbus_guard_install(void);

#ifdef __cplusplus
}
#endif

#endif
