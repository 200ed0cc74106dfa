// SPDX-License-Identifier: GPL-2.0-only
/*
 * Admin commands: one is begun, its attributes are put, it is run, its reply is read, it is ended
 * (specs/admin-queue.md, "Commands"). What a status means to a user is said here, too.
 */
#include <linux/slab.h>

#include <weir/weir_tables.h>
#include "weir_hw.h"

#define WEIR_POLL_SLICE_MS 20
#define WEIR_BUSY_TRIES 10

/**
 * weir_call_begin() - begin an admin command
 * @weir: the function
 * @opcode: enum weir_command
 *
 * Return: the command, to be ended by weir_call_end() whatever happens; until then nobody else can
 * send one. ERR_PTR(-ENODEV) when the queue is down, as it is in resets.
 */
struct weir_call *weir_call_begin(struct weir_device *weir, u16 opcode)
{
	struct weir_admin *admin = &weir->admin;
	struct weir_call *call = &admin->call;

	mutex_lock(&admin->call_lock);
	if (!READ_ONCE(admin->up)) {
		mutex_unlock(&admin->call_lock);
		return ERR_PTR(-ENODEV);
	}
	call->opcode = opcode;
	call->status = WEIR_STATUS_OK;
	call->detail = 0;
	call->reply_bytes = 0;
	weir_tlv_start(&call->request, admin->memory->request, sizeof(admin->memory->request));
	return call;
}

/**
 * weir_call_end() - end an admin command
 * @call: from weir_call_begin(); the reply is gone with it
 */
void weir_call_end(struct weir_call *call)
{
	mutex_unlock(&call->weir->admin.call_lock);
}

static void weir_call_submit(struct weir_call *call)
{
	struct weir_admin *admin = &call->weir->admin;
	struct weir_admin_command *command =
		&admin->memory->commands[admin->sq_tail & ((1 << WEIR_ADMIN_SQ_LOG2) - 1)];

	*command = (struct weir_admin_command) {
		.opcode = cpu_to_le16(call->opcode),
		.cookie = cpu_to_le16(call->cookie),
		.request_length = cpu_to_le16(call->request.length),
		.response_capacity = cpu_to_le16(WEIR_ADMIN_DATA_MAX_BYTES),
		.request_address = cpu_to_le64(
			weir_admin_address(admin, offsetof(struct weir_admin_memory, request))),
		.response_address = cpu_to_le64(
			weir_admin_address(admin, offsetof(struct weir_admin_memory, response))),
	};
	admin->sq_tail++;
	/* writel() orders the command and its attributes in coherent memory before the doorbell. */
	weir_write(call->weir, WEIR_REG_ADMIN_SQ_TAIL, admin->sq_tail);
}

/* Whether there is no point in waiting on: the function is gone, or was reset under the command. */
static bool weir_call_hopeless(struct weir_device *weir)
{
	return weir_read(weir, WEIR_REG_STATUS) == WEIR_ALL_ONES ||
		weir_read(weir, WEIR_REG_GENERATION) != weir->generation;
}

/*
 * Waits for the completion; the service task's and the interrupt's work is done here, too, if they
 * don't come.
 */
static bool weir_call_wait(struct weir_call *call)
{
	struct weir_device *weir = call->weir;
	struct weir_admin *admin = &weir->admin;
	unsigned long end = jiffies + msecs_to_jiffies(WEIR_COMMAND_TIMEOUT_MS);
	unsigned long slice = weir->vectors_count ? msecs_to_jiffies(WEIR_POLL_SLICE_MS) : 1;
	bool given_up = false;

	while (!wait_for_completion_timeout(&admin->done, slice)) {
		weir_admin_service(weir);
		if (given_up)
			break;
		/* One more round, as the completion may be there already. */
		given_up = time_after(jiffies, end) || weir_call_hopeless(weir);
	}

	spin_lock_irq(&admin->ring_lock);
	given_up = admin->waiting;
	admin->waiting = false;
	spin_unlock_irq(&admin->ring_lock);
	return !given_up;
}

static int weir_status_to_errno(u16 status)
{
	switch (status) {
	case WEIR_STATUS_OK:
		return 0;
	case WEIR_STATUS_UNKNOWN_COMMAND:
	case WEIR_STATUS_NOT_SUPPORTED:
		return -EOPNOTSUPP;
	case WEIR_STATUS_NOT_PERMITTED:
		return -EPERM;
	case WEIR_STATUS_BAD_VALUE:
		return -EINVAL;
	case WEIR_STATUS_BAD_STATE:
		return -EBUSY;
	case WEIR_STATUS_EXISTS:
		return -EEXIST;
	case WEIR_STATUS_NOT_FOUND:
		return -ENOENT;
	case WEIR_STATUS_NO_SPACE:
		return -ENOSPC;
	case WEIR_STATUS_DMA_FAULT:
		return -EFAULT;
	case WEIR_STATUS_RESET:
		return -ENODEV;
	case WEIR_STATUS_BUSY:
		return -EAGAIN;
	default:
		return -EPROTO;
	}
}

/* Sends the command once and waits. */
static int weir_call_once(struct weir_call *call)
{
	struct weir_device *weir = call->weir;
	struct weir_admin *admin = &weir->admin;

	reinit_completion(&admin->done);
	spin_lock_irq(&admin->ring_lock);
	if (!admin->up) {
		spin_unlock_irq(&admin->ring_lock);
		return -ENODEV;
	}
	call->cookie++;
	call->reply_bytes = 0;
	admin->waiting = true;
	spin_unlock_irq(&admin->ring_lock);

	weir_call_submit(call);
	if (!weir_call_wait(call)) {
		bool gone = weir_call_hopeless(weir);

		weir_admin_abort(weir);
		call->status = WEIR_STATUS_RESET;
		weir_request_reset(weir, gone ? WEIR_RESET_GENERATION : WEIR_RESET_ADMIN_TIMEOUT);
		return gone ? -ENODEV : -ETIMEDOUT;
	}
	return weir_status_to_errno(call->status);
}

/**
 * weir_call_run() - send an admin command and wait for its completion
 * @call: from weir_call_begin(), attributes put
 *
 * specs/admin-queue.md, "Rings" (Submit, Complete) and the table of what a driver does at each
 * status. A command that does not end asks for a reset of the function: until then its buffers are
 * the card's, and the queue is down.
 *
 * Return: 0, or what the status means as an errno: -EPERM not permitted, -EINVAL a value out of
 * range, -EEXIST, -ENOENT, -ENOSPC a table is full, -EOPNOTSUPP, -EBUSY wrong state, -EAGAIN,
 * -EFAULT; -ENODEV if the function was reset meanwhile, -ETIMEDOUT, -EPROTO if card and driver
 * misunderstand each other.
 */
int weir_call_run(struct weir_call *call)
{
	unsigned int tries;
	int err;

	might_sleep();
	if (WARN_ON_ONCE(call->request.overflow))
		return -EMSGSIZE;
	for (tries = 0;; tries++) {
		err = weir_call_once(call);
		if (err != -EAGAIN || tries == WEIR_BUSY_TRIES)
			break;
		usleep_range(1000, 2000);
	}
	/* The caller reads attributes from a copy that the card cannot change. */
	if (!err && call->reply_bytes)
		memcpy(call->reply, call->weir->admin.memory->response, call->reply_bytes);
	return err;
}

/* What somebody at the keyboard can do about a status. */
static const char *weir_advice(u16 status)
{
	switch (status) {
	case WEIR_STATUS_UNKNOWN_COMMAND:
		return "the card's firmware does not know this: update it";
	case WEIR_STATUS_NOT_SUPPORTED:
		return "this card or firmware does not offer it";
	case WEIR_STATUS_NOT_PERMITTED:
		return "on the host, 'ip link set dev <PF> vf <n> trust on' permits it to a VF";
	case WEIR_STATUS_BAD_VALUE:
		return "the card does not accept this value";
	case WEIR_STATUS_BAD_STATE:
		return "not possible now, try again after 'ip link set' down or up";
	case WEIR_STATUS_EXISTS:
		return "it is there already";
	case WEIR_STATUS_NOT_FOUND:
		return "there is no such thing on the card";
	case WEIR_STATUS_NO_SPACE:
		return "the card's table is full: remove something first";
	case WEIR_STATUS_DMA_FAULT:
		return "the card could not reach host memory: look for IOMMU faults in dmesg";
	case WEIR_STATUS_RESET:
		return "the function was reset meanwhile";
	case WEIR_STATUS_BUSY:
		return "the card is busy: try again";
	case WEIR_STATUS_INTERNAL:
		return "firmware fault: its log says what ('weirctl log')";
	default:
		return "driver and firmware misunderstand each other: please report both versions";
	}
}

static const char *weir_command_name(u16 opcode)
{
	unsigned int i;

	for (i = 0; i < WEIR_COMMAND_RULES; i++)
		if (weir_command_rules[i].opcode == opcode)
			return weir_command_rules[i].name;
	return "command";
}

/* Name of the attribute a failed command speaks of, or an empty text. */
static const char *weir_detail_name(const struct weir_call *call)
{
	switch (call->status) {
	case WEIR_STATUS_BAD_ATTRIBUTE:
	case WEIR_STATUS_MISSING_ATTRIBUTE:
	case WEIR_STATUS_BAD_VALUE:
		if (call->detail < WEIR_ATTRIBUTE_LIMIT && weir_attribute_rules[call->detail].name)
			return weir_attribute_rules[call->detail].name;
		return "unknown attribute";
	default:
		return "";
	}
}

/**
 * weir_call_run_loud() - weir_call_run(), and tell the user why if it fails
 * @call: from weir_call_begin(), attributes put
 *
 * Return: as weir_call_run().
 */
int weir_call_run_loud(struct weir_call *call)
{
	int err = weir_call_run(call);
	const char *detail;

	/* Resets are logged where they are handled. */
	if (!err || err == -ENODEV)
		return err;
	if (err == -ETIMEDOUT) {
		dev_err_ratelimited(call->weir->dev, "%s: no answer from the card\n",
				    weir_command_name(call->opcode));
		return err;
	}
	detail = weir_detail_name(call);
	dev_warn_ratelimited(call->weir->dev, "%s: %s%s%s: %s\n", weir_command_name(call->opcode),
			     weir_status_name(call->status), *detail ? ", " : "", detail,
			     weir_advice(call->status));
	return err;
}

/**
 * weir_get_info() - ask what card and firmware this is
 * @weir: the function; fills @weir->info
 *
 * Return: 0 or a negative errno.
 */
int weir_get_info(struct weir_device *weir)
{
	struct weir_call *call = weir_call_begin(weir, WEIR_COMMAND_GET_INFO);
	struct weir_info *info = &weir->info;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	err = weir_call_run_loud(call);
	if (!err) {
		weir_tlv_get_string(call->reply, call->reply_bytes, WEIR_ATTRIBUTE_FIRMWARE_VERSION,
				    info->firmware, sizeof(info->firmware));
		weir_tlv_get_string(call->reply, call->reply_bytes, WEIR_ATTRIBUTE_BOARD,
				    info->board, sizeof(info->board));
		if (weir_tlv_get_u64(call->reply, call->reply_bytes, WEIR_ATTRIBUTE_SERIAL,
				     &info->serial))
			info->serial = 0;
		if (weir_tlv_get_u16(call->reply, call->reply_bytes, WEIR_ATTRIBUTE_FILTERS_MAX,
				     &info->filters_max))
			info->filters_max = 0;
		if (weir_tlv_get_u32(call->reply, call->reply_bytes,
				     WEIR_ATTRIBUTE_MODERATION_US_MAX, &info->moderation_us_max))
			info->moderation_us_max = 0;
		if (weir_tlv_get_u16(call->reply, call->reply_bytes,
				     WEIR_ATTRIBUTE_MODERATION_COUNT_MAX,
				     &info->moderation_count_max))
			info->moderation_count_max = 0;
	}
	weir_call_end(call);
	return err;
}

/**
 * weir_get_statistics() - read a group of the card's counters
 * @weir: the function
 * @scope: enum weir_stats_scope
 * @function: whose, or WEIR_FUNCTION_SELF
 * @index: port, vport or queue within the scope
 * @counters: filled with @count values; those an older firmware does not have are zero
 * @count: how many
 *
 * Return: 0 or a negative errno, @counters then all zero.
 */
int weir_get_statistics(struct weir_device *weir, u8 scope, u16 function, u16 index, u64 *counters,
			unsigned int count)
{
	struct weir_call *call;
	const __le64 *values;
	unsigned int i;
	__le64 value;
	u16 bytes;
	int err;

	memset(counters, 0, count * sizeof(*counters));
	call = weir_call_begin(weir, WEIR_COMMAND_STATS_GET);
	if (IS_ERR(call))
		return PTR_ERR(call);
	weir_call_put_u8(call, WEIR_ATTRIBUTE_SCOPE, scope);
	if (function != WEIR_FUNCTION_SELF)
		weir_call_put_u16(call, WEIR_ATTRIBUTE_FUNCTION, function);
	weir_call_put_u16(call, WEIR_ATTRIBUTE_INDEX, index);
	err = weir_call_run(call);
	if (!err) {
		values = weir_tlv_find(call->reply, call->reply_bytes, WEIR_ATTRIBUTE_STATISTICS,
				       &bytes);
		count = values ? min_t(unsigned int, count, bytes / sizeof(*values)) : 0;
		for (i = 0; i < count; i++) {
			/* attributes are aligned to four bytes */
			memcpy(&value, &values[i], sizeof(value));
			counters[i] = le64_to_cpu(value);
		}
	}
	weir_call_end(call);
	return err;
}
