// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs: a door for tools that look at the card while the driver drives it. With the driver bound
 * the kernel keeps BAR0, and so the mailbox, for itself; weirctl asks here instead, for what no
 * standard interface offers: the firmware's log and trace, and its own view of VFs and counters.
 *
 * /sys/kernel/debug/weir/0000:01:00.0/admin: write a struct weir_admin_command (all but opcode and
 * request_length zero) with its attributes behind it, in one write; then read a struct
 * weir_admin_completion with the response behind it (specs/admin-queue.md, "Commands"). Commands
 * that change what the driver keeps account of are refused.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "weir_hw.h"

static struct dentry *weir_debugfs_root;

/**
 * struct weir_admin_file - an open admin file
 * @weir: the function; it stays while file operations run, as debugfs sees to
 * @lock: guards the following
 * @bytes: of the answer to the last command, 0: none was sent yet
 * @completion: the answer
 * @data: request, then response; directly behind @completion
 */
struct weir_admin_file {
	struct weir_device *weir;
	struct mutex lock;
	size_t bytes;
	struct weir_admin_completion completion;
	u8 data[WEIR_ADMIN_DATA_MAX_BYTES];
};

static bool weir_debugfs_permits(u16 opcode)
{
	switch (opcode) {
	case WEIR_COMMAND_GET_INFO:
	case WEIR_COMMAND_ECHO:
	case WEIR_COMMAND_VPORT_GET:
	case WEIR_COMMAND_STATS_GET:
	case WEIR_COMMAND_LINK_GET:
	case WEIR_COMMAND_VF_GET:
	case WEIR_COMMAND_LOG_READ:
	case WEIR_COMMAND_LOG_LEVEL:
	case WEIR_COMMAND_TRACE_SET:
	case WEIR_COMMAND_TRACE_READ:
		return true;
	default:
		return false;
	}
}

static int weir_admin_open(struct inode *inode, struct file *file)
{
	struct weir_admin_file *admin = kzalloc(sizeof(*admin), GFP_KERNEL);

	BUILD_BUG_ON(offsetof(struct weir_admin_file, data) !=
		     offsetofend(struct weir_admin_file, completion));
	if (!admin)
		return -ENOMEM;
	admin->weir = inode->i_private;
	mutex_init(&admin->lock);
	file->private_data = admin;
	return nonseekable_open(inode, file);
}

static int weir_admin_release(struct inode *inode, struct file *file)
{
	struct weir_admin_file *admin = file->private_data;

	mutex_destroy(&admin->lock);
	kfree(admin);
	return 0;
}

/* Runs the command whose attributes are in @admin->data; the answer takes their place. */
static int weir_admin_ask(struct weir_admin_file *admin, u16 opcode, u16 bytes)
{
	struct weir_call *call = weir_call_begin(admin->weir, opcode);
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	/* The card checks attributes as it does everybody's: they are handed on as they are. */
	memcpy(call->request.data, admin->data, bytes);
	call->request.length = bytes;
	err = weir_call_run(call);
	/* The card's refusals are answers; only what kept it from answering is an error. */
	if (!err || (call->status != WEIR_STATUS_OK && call->status != WEIR_STATUS_RESET)) {
		u32 reply_bytes = err ? 0 : call->reply_bytes;

		err = 0;
		admin->completion = (struct weir_admin_completion) {
			.kind = cpu_to_le16(WEIR_ADMIN_ENTRY_COMPLETION),
			.opcode = cpu_to_le16(opcode),
			.status = cpu_to_le16(call->status),
			.response_length = cpu_to_le32(reply_bytes),
			.detail = cpu_to_le32(call->detail),
			.generation = cpu_to_le32(admin->weir->generation),
		};
		memcpy(admin->data, call->reply, reply_bytes);
		admin->bytes = sizeof(admin->completion) + reply_bytes;
	}
	weir_call_end(call);
	return err;
}

static ssize_t weir_admin_write(struct file *file, const char __user *from, size_t count,
				loff_t *position)
{
	struct weir_admin_file *admin = file->private_data;
	struct weir_admin_command command;
	size_t bytes;
	int err;

	if (count < sizeof(command) || copy_from_user(&command, from, sizeof(command)))
		return count < sizeof(command) ? -EINVAL : -EFAULT;
	bytes = count - sizeof(command);
	if (bytes != le16_to_cpu(command.request_length) || bytes > sizeof(admin->data))
		return -EINVAL;
	if (!weir_debugfs_permits(le16_to_cpu(command.opcode)))
		return -EPERM;
	if (mutex_lock_interruptible(&admin->lock))
		return -ERESTARTSYS;
	admin->bytes = 0;
	err = copy_from_user(admin->data, from + sizeof(command), bytes) ?
		-EFAULT : weir_admin_ask(admin, le16_to_cpu(command.opcode), bytes);
	mutex_unlock(&admin->lock);
	return err ?: (ssize_t)count;
}

static ssize_t weir_admin_read(struct file *file, char __user *to, size_t count, loff_t *position)
{
	struct weir_admin_file *admin = file->private_data;
	ssize_t result;

	if (mutex_lock_interruptible(&admin->lock))
		return -ERESTARTSYS;
	/* One read, one answer: each begins anew. */
	result = min(count, admin->bytes);
	if (!result)
		result = -ENODATA;
	else if (copy_to_user(to, &admin->completion, result))
		result = -EFAULT;
	mutex_unlock(&admin->lock);
	return result;
}

static const struct file_operations weir_admin_file_operations = {
	.owner = THIS_MODULE,
	.open = weir_admin_open,
	.release = weir_admin_release,
	.write = weir_admin_write,
	.read = weir_admin_read,
};

/**
 * weir_debugfs_add() - make the function's folder
 * @weir: the function, RUNNING; undone by weir_debugfs_remove()
 *
 * A kernel without debugfs, or one that is locked down, lacks it and nothing else.
 */
void weir_debugfs_add(struct weir_device *weir)
{
	weir->debugfs = debugfs_create_dir(dev_name(weir->dev), weir_debugfs_root);
	debugfs_create_file("admin", 0600, weir->debugfs, weir, &weir_admin_file_operations);
}

/**
 * weir_debugfs_remove() - undo weir_debugfs_add()
 * @weir: the function; nobody is in its files any more when this returns
 */
void weir_debugfs_remove(struct weir_device *weir)
{
	debugfs_remove_recursive(weir->debugfs);
}

/**
 * weir_debugfs_init() - make the module's folder
 * @name: of the module
 */
void weir_debugfs_init(const char *name)
{
	weir_debugfs_root = debugfs_create_dir(name, NULL);
}

/* weir_debugfs_exit() - undo weir_debugfs_init() */
void weir_debugfs_exit(void)
{
	debugfs_remove_recursive(weir_debugfs_root);
}
