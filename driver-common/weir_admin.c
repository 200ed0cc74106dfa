// SPDX-License-Identifier: GPL-2.0-only
/*
 * The admin queue (specs/admin-queue.md): a submission ring for commands, and one ring in which
 * their completions and the card's events come back. One command is out at a time: commands are
 * rare, and a caller that waits for one owns the request and response buffers meanwhile.
 *
 * The completion ring is served by the interrupt of vector 0, by a caller that waits, and once a
 * second by the service task: whoever comes first. So everything works, slower, without an
 * interrupt.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include <weir/weir_tables.h>
#include "weir_hw.h"

/**
 * weir_status_name() - the name the spec gives to a status
 * @status: enum weir_status
 *
 * Return: its name, or "unknown".
 */
const char *weir_status_name(u16 status)
{
	const struct weir_name *entry;

	for (entry = weir_status_names; entry->name; entry++)
		if (entry->value == status)
			return entry->name;
	return "unknown";
}

/**
 * weir_admin_alloc() - memory of the admin queue
 * @weir: the function
 *
 * Return: 0 or -ENOMEM. Undone by weir_admin_free().
 */
int weir_admin_alloc(struct weir_device *weir)
{
	struct weir_admin *admin = &weir->admin;

	mutex_init(&admin->call_lock);
	spin_lock_init(&admin->ring_lock);
	init_completion(&admin->done);
	INIT_KFIFO(admin->events);
	admin->call.weir = weir;
	admin->call.reply = kmalloc(WEIR_ADMIN_DATA_MAX_BYTES, GFP_KERNEL);
	if (!admin->call.reply)
		return -ENOMEM;
	admin->memory = dma_alloc_coherent(weir->dev, sizeof(*admin->memory), &admin->memory_dma,
					   GFP_KERNEL);
	if (!admin->memory) {
		kfree(admin->call.reply);
		return -ENOMEM;
	}
	return 0;
}

/**
 * weir_admin_free() - give the memory of the admin queue back
 * @weir: the function
 * @stopped: the card has stopped using the queue. If not, its memory stays for ever
 */
void weir_admin_free(struct weir_device *weir, bool stopped)
{
	struct weir_admin *admin = &weir->admin;

	if (stopped)
		dma_free_coherent(weir->dev, sizeof(*admin->memory), admin->memory,
				  admin->memory_dma);
	admin->memory = NULL;
	kfree(admin->call.reply);
	admin->call.reply = NULL;
}

/* Waits until the admin queue runs or not (specs/admin-queue.md, "Rings": Enable, Disable). */
static int weir_admin_wait_running(struct weir_device *weir, bool running)
{
	unsigned long end = jiffies + msecs_to_jiffies(WEIR_READY_TIMEOUT_MS);

	for (;;) {
		bool late = time_after(jiffies, end);
		u32 status = weir_read(weir, WEIR_REG_ADMIN_STATUS);

		if (status == WEIR_ALL_ONES)
			return -ENODEV;
		if (!!WEIR_GET(WEIR_REG_ADMIN_STATUS_RUNNING, status) == running)
			return 0;
		if (running && WEIR_GET(WEIR_REG_ADMIN_STATUS_ERROR, status)) {
			u32 error = WEIR_GET(WEIR_REG_ADMIN_STATUS_ERROR, status);

			dev_err(weir->dev, "the card refuses the admin queue: %s\n",
				weir_status_name(error));
			return -EIO;
		}
		if (late)
			return -ETIMEDOUT;
		usleep_range(200, 500);
	}
}

/**
 * weir_admin_start() - give the rings to the card and wait until it uses them
 * @weir: the function, READY, its admin queue stopped (as after every reset)
 *
 * specs/admin-queue.md, "Rings": Enable. They are zeroed, so that no entry has the phase of the
 * first lap.
 *
 * Then the second look (specs/reset.md, "Start of a function"): a reset in between may have left
 * the queue running in another generation than the one that was read, or not running at all.
 *
 * Return: 0, -ENODEV if the card is not there, -EIO if it refuses, -ETIMEDOUT, -EAGAIN if it was
 * reset in between. In all but the first the card may know the rings: the function has to be reset.
 */
int weir_admin_start(struct weir_device *weir)
{
	struct weir_admin *admin = &weir->admin;
	u64 commands = weir_admin_address(admin, offsetof(struct weir_admin_memory, commands));
	u64 completions =
		weir_admin_address(admin, offsetof(struct weir_admin_memory, completions));
	int err;

	mutex_lock(&admin->call_lock);
	memset(admin->memory, 0, sizeof(*admin->memory));
	spin_lock_irq(&admin->ring_lock);
	admin->sq_tail = 0;
	admin->cq_head = 0;
	admin->waiting = false;
	kfifo_reset(&admin->events);
	spin_unlock_irq(&admin->ring_lock);

	weir_write(weir, WEIR_REG_ADMIN_SQ_BASE_LOW, lower_32_bits(commands));
	weir_write(weir, WEIR_REG_ADMIN_SQ_BASE_HIGH, upper_32_bits(commands));
	weir_write(weir, WEIR_REG_ADMIN_CQ_BASE_LOW, lower_32_bits(completions));
	weir_write(weir, WEIR_REG_ADMIN_CQ_BASE_HIGH, upper_32_bits(completions));
	weir_write(weir, WEIR_REG_ADMIN_SIZES,
		   WEIR_PREP(WEIR_REG_ADMIN_SIZES_SQ_LOG2, WEIR_ADMIN_SQ_LOG2) |
			   WEIR_PREP(WEIR_REG_ADMIN_SIZES_CQ_LOG2, WEIR_ADMIN_CQ_LOG2) |
			   WEIR_PREP(WEIR_REG_ADMIN_SIZES_VECTOR, 0));
	/* writel() orders the zeroed rings before the card is told of them. */
	weir_write(weir, WEIR_REG_ADMIN_CONTROL, WEIR_REG_ADMIN_CONTROL_ENABLE_MASK);
	err = weir_admin_wait_running(weir, true);
	if (!err && weir_read(weir, WEIR_REG_GENERATION) != weir->generation)
		err = -EAGAIN;
	if (!err) {
		weir->certain = true;
		spin_lock_irq(&admin->ring_lock);
		admin->up = true;
		spin_unlock_irq(&admin->ring_lock);
		weir_admin_rearm(weir);
	}
	mutex_unlock(&admin->call_lock);
	return err;
}

/* Under ring_lock. */
static void weir_admin_down(struct weir_admin *admin)
{
	admin->up = false;
	if (admin->waiting) {
		admin->waiting = false;
		admin->call.status = WEIR_STATUS_RESET;
		complete(&admin->done);
	}
}

/**
 * weir_admin_abort() - no more commands; whoever waits for one is woken and fails
 * @weir: the function
 *
 * Touches no register: for use before, in and after resets.
 */
void weir_admin_abort(struct weir_device *weir)
{
	struct weir_admin *admin = &weir->admin;
	unsigned long flags;

	spin_lock_irqsave(&admin->ring_lock, flags);
	weir_admin_down(admin);
	spin_unlock_irqrestore(&admin->ring_lock, flags);
}

/**
 * weir_admin_stop() - take the rings back from the card
 * @weir: the function
 *
 * Return: 0, the card uses them no more; -ENODEV if the card is not there; or another negative
 * errno if it does not say so, or was not to be asked after weir_admin_abort().
 */
int weir_admin_stop(struct weir_device *weir)
{
	struct weir_admin *admin = &weir->admin;
	int err = -EBUSY;
	bool was_up;

	mutex_lock(&admin->call_lock);
	spin_lock_irq(&admin->ring_lock);
	was_up = admin->up;
	admin->up = false;
	spin_unlock_irq(&admin->ring_lock);
	if (was_up) {
		weir_write(weir, WEIR_REG_ADMIN_CONTROL, 0);
		err = weir_admin_wait_running(weir, false);
		if (err == -ETIMEDOUT)
			dev_warn(weir->dev, "the card does not let go of the admin queue\n");
	}
	mutex_unlock(&admin->call_lock);
	return err;
}

static void weir_admin_take(struct weir_admin *admin, const struct weir_admin_completion *entry)
{
	struct weir_device *weir = admin->call.weir;

	/*
	 * After the second look at the start there is none; if there is, nothing can be relied on.
	 */
	if (le32_to_cpu(entry->generation) != weir->generation) {
		admin->stale_entries++;
		weir->certain = false;
		weir_request_reset(weir, WEIR_RESET_GENERATION);
		return;
	}
	switch (le16_to_cpu(entry->kind)) {
	case WEIR_ADMIN_ENTRY_COMPLETION:
		/*
		 * A completion that nobody waits for is that of a command given up: its time-out
		 * asked for a reset.
		 */
		if (!admin->waiting || le16_to_cpu(entry->cookie) != admin->call.cookie) {
			admin->stale_entries++;
			return;
		}
		admin->waiting = false;
		admin->call.status = le16_to_cpu(entry->status);
		admin->call.detail = le32_to_cpu(entry->detail);
		admin->call.reply_bytes =
			min_t(u32, le32_to_cpu(entry->response_length), WEIR_ADMIN_DATA_MAX_BYTES);
		complete(&admin->done);
		return;
	case WEIR_ADMIN_ENTRY_EVENT: {
		struct weir_admin_event event;

		memcpy(&event, entry, sizeof(event));
		/*
		 * It comes when this was taken: the queue is as good as gone, and doorbells are
		 * unwelcome.
		 */
		if (le16_to_cpu(event.event) == WEIR_EVENT_RESET_IMPENDING && !event.detail) {
			weir_admin_down(admin);
			weir_request_reset(weir, WEIR_RESET_IMPENDING);
			return;
		}
		/*
		 * Of interest to those who listen closely only, and many at once when VFs come and
		 * go.
		 */
		if (le16_to_cpu(event.event) == WEIR_EVENT_VF_STATE && !netif_msg_hw(weir))
			return;
		if (!kfifo_put(&admin->events, event))
			admin->lost_events++;
		queue_work(weir->workqueue, &weir->event_work);
		return;
	}
	default:
		admin->stale_entries++;
	}
}

/**
 * weir_admin_service() - take what is in the completion ring
 * @weir: the function
 *
 * From any context. Completions wake their caller, events are queued for weir_event_work().
 */
void weir_admin_service(struct weir_device *weir)
{
	struct weir_admin *admin = &weir->admin;
	unsigned int budget = 1 << WEIR_ADMIN_CQ_LOG2;
	unsigned long irq_flags;

	spin_lock_irqsave(&admin->ring_lock, irq_flags);
	while (admin->up && budget) {
		u16 head = admin->cq_head;
		struct weir_admin_completion *entry =
			&admin->memory->completions[head & ((1 << WEIR_ADMIN_CQ_LOG2) - 1)];
		u32 phase = !((head >> WEIR_ADMIN_CQ_LOG2) & 1);
		struct weir_admin_completion copy;

		if ((le32_to_cpu(READ_ONCE(entry->flags)) & WEIR_ADMIN_COMPLETION_PHASE_MASK) !=
		    phase)
			break;
		/*
		 * specs/admin-queue.md: the card writes the phase last, so what precedes it is read
		 * after it.
		 */
		dma_rmb();
		copy = *entry;
		admin->cq_head = head + 1;
		weir_admin_take(admin, &copy);
		budget--;
	}
	if (admin->up && budget < 1 << WEIR_ADMIN_CQ_LOG2)
		weir_write(weir, WEIR_REG_ADMIN_CQ_HEAD, admin->cq_head);
	spin_unlock_irqrestore(&admin->ring_lock, irq_flags);
}

/**
 * weir_admin_rearm() - arm vector 0 again; it fires at once if there is something to take
 * @weir: the function
 *
 * For after the vector was moved to another interrupt.
 */
void weir_admin_rearm(struct weir_device *weir)
{
	struct weir_admin *admin = &weir->admin;
	unsigned long flags;

	spin_lock_irqsave(&admin->ring_lock, flags);
	if (admin->up)
		weir_write(weir, WEIR_REG_ADMIN_CQ_HEAD, admin->cq_head);
	spin_unlock_irqrestore(&admin->ring_lock, flags);
}
