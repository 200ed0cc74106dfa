// SPDX-License-Identifier: GPL-2.0-only
/*
 * Probe and remove of a function, and finding one's way in BAR0 (specs/pcie.md, specs/overview.md).
 * The two drivers call weir_probe(), do what only they do, and make the function public by
 * weir_publish().
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "weir_hw.h"
#include "weir_lock.h"

#define WEIR_BLOCKS_MAX 64
/* No block has a register further from its start. */
#define WEIR_BLOCK_ROOM 0x40
#define WEIR_START_TRIES 3
/* Of a function that does not end its DMA: what gone functions take, and some tries for others */
#define WEIR_STOP_TIMEOUT_MS 3000

static struct workqueue_struct *weir_workqueue;

/**
 * weir_common_init() - what a module needs once
 * @name: of the module
 *
 * Return: 0 or -ENOMEM. Undone by weir_common_exit().
 */
int weir_common_init(const char *name)
{
	weir_workqueue = alloc_workqueue("%s", WQ_UNBOUND, 0, name);
	if (!weir_workqueue)
		return -ENOMEM;
	weir_debugfs_init(name);
	return 0;
}

/* weir_common_exit() - undo weir_common_init() */
void weir_common_exit(void)
{
	weir_debugfs_exit();
	destroy_workqueue(weir_workqueue);
}

/**
 * weir_wait_ready() - wait until the function takes commands
 * @weir: the function, its chain of blocks found
 * @timeout_ms: how long at most
 *
 * specs/reset.md, "States": anything but READY, all ones included, means wait.
 *
 * Return: 0, -ETIMEDOUT, or -EIO if the firmware gave the function up.
 */
int weir_wait_ready(struct weir_device *weir, unsigned int timeout_ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(timeout_ms);

	for (;;) {
		bool late = time_after(jiffies, end);
		u32 status = weir_read(weir, WEIR_REG_STATUS);

		if (status != WEIR_ALL_ONES) {
			switch (WEIR_GET(WEIR_REG_STATUS_STATE, status)) {
			case WEIR_FUNCTION_STATE_READY:
				return 0;
			case WEIR_FUNCTION_STATE_FAILED:
				return -EIO;
			default:
				break;
			}
		}
		if (late)
			return -ETIMEDOUT;
		usleep_range(1000, 2000);
	}
}

static int weir_check_version(struct weir_device *weir, const char **complaint)
{
	u32 magic = readl(weir->registers + WEIR_REG_MAGIC);

	if (magic != WEIR_REG_MAGIC_VALUE) {
		*complaint = magic == WEIR_ALL_ONES ? "BAR0 reads all ones"
						    : "BAR0 does not begin as a Weir's";
		return -ENODEV;
	}
	weir->abi_version = readl(weir->registers + WEIR_REG_ABI_VERSION);
	if (WEIR_GET(WEIR_REG_ABI_VERSION_MAJOR, weir->abi_version) > WEIR_ABI_MAJOR) {
		*complaint = "the card's interface is newer than this driver's: update the driver";
		return -EPROTONOSUPPORT;
	}
	if (WEIR_GET(WEIR_REG_ABI_VERSION_MAJOR, weir->abi_version) < WEIR_ABI_MAJOR) {
		*complaint =
			"the card's interface is older than this driver's: update its firmware";
		return -EPROTONOSUPPORT;
	}
	return 0;
}

/* Walks the chain of blocks (specs/overview.md, "Finding the registers"). */
static int weir_find_blocks(struct weir_device *weir, const char **complaint)
{
	u32 at = readl(weir->registers + WEIR_REG_FIRST_BLOCK);
	u32 control = 0, admin = 0, mailbox = 0, time = 0;
	unsigned int count;

	for (count = 0; at; count++) {
		u32 id;

		if (count == WEIR_BLOCKS_MAX || at % 4 ||
		    at > weir->registers_bytes - WEIR_BLOCK_ROOM) {
			*complaint = "the chain of blocks in BAR0 makes no sense";
			return -EPROTO;
		}
		id = WEIR_GET(WEIR_BLOCK_HEADER_ID, readl(weir->registers + at));
		/* The first of an id counts. */
		if (id == WEIR_BLOCK_CONTROL_ID)
			control = control ?: at;
		else if (id == WEIR_BLOCK_ADMIN_ID)
			admin = admin ?: at;
		else if (id == WEIR_BLOCK_MAILBOX_ID)
			mailbox = mailbox ?: at;
		else if (id == WEIR_BLOCK_TIME_ID)
			time = time ?: at;
		at = readl(weir->registers + at + 4);
	}
	if (!control || !admin) {
		*complaint = "BAR0 has no control or no admin block";
		return -EPROTO;
	}
	weir->control_block = control;
	weir->admin_block = admin;
	weir->mailbox_block = mailbox;
	weir->time_block = time;
	return 0;
}

static int weir_read_limits(struct weir_device *weir, const char **complaint)
{
	u32 queues = weir_read(weir, WEIR_REG_QUEUE_LIMITS);
	u32 rings = weir_read(weir, WEIR_REG_RING_LIMITS);
	u32 pairs = WEIR_GET(WEIR_REG_QUEUE_LIMITS_QUEUE_PAIRS, queues);
	u32 function = readl(weir->registers + WEIR_REG_FUNCTION);

	weir->function_index = WEIR_GET(WEIR_REG_FUNCTION_INDEX, function);
	weir->features = weir_read(weir, WEIR_REG_FEATURES);
	weir->max_frame_bytes = weir_read(weir, WEIR_REG_MAX_FRAME);
	weir->max_vectors = WEIR_GET(WEIR_REG_QUEUE_LIMITS_VECTORS, queues);
	weir->max_segments = WEIR_GET(WEIR_REG_RING_LIMITS_MAX_SEGMENTS, rings);
	weir->stride_log2 = WEIR_GET(WEIR_REG_RING_LIMITS_STRIDE_LOG2, rings);
	weir->ring_min_log2 = WEIR_GET(WEIR_REG_RING_LIMITS_MIN_LOG2, rings);
	weir->ring_max_log2 = WEIR_GET(WEIR_REG_RING_LIMITS_MAX_LOG2, rings);
	weir->ring_max_log2 = min_t(u8, weir->ring_max_log2, WEIR_RING_MAX_LOG2);

	*complaint = "limits in the registers make no sense";
	if (WEIR_GET(WEIR_REG_FUNCTION_IS_VF, function) != weir->role->is_vf ||
	    weir->stride_log2 < 8 || weir->stride_log2 > 20 || !weir->max_vectors ||
	    !weir->max_segments || weir->ring_min_log2 < WEIR_RING_MIN_LOG2 ||
	    weir->ring_min_log2 > weir->ring_max_log2 || weir->max_frame_bytes > U16_MAX ||
	    weir->max_frame_bytes < ETH_FRAME_LEN + 2 * VLAN_HLEN)
		return -EPROTO;
	pairs = min(pairs, weir->doorbells_bytes >> weir->stride_log2);
	if (!pairs)
		return -EPROTO;
	if (weir->stats_count && pairs < weir->config.pairs) {
		*complaint = "the card came back with fewer queue pairs than are in use";
		return -ENOSPC;
	}
	weir->max_pairs = weir->stats_count ? min_t(u32, pairs, weir->stats_count) : pairs;
	return 0;
}

/* All of weir_identify(), once. What was read while a reset came or went is worth nothing. */
static int weir_look(struct weir_device *weir, const char **complaint)
{
	int err;

	err = weir_check_version(weir, complaint);
	if (!err)
		err = weir_find_blocks(weir, complaint);
	if (err)
		return err;
	*complaint = "the function does not get ready";
	err = weir_wait_ready(weir, WEIR_READY_TIMEOUT_MS);
	if (err)
		return err;
	weir->generation = weir_read(weir, WEIR_REG_GENERATION);
	if (weir_wait_ready(weir, 0))
		return -EAGAIN;
	err = weir_read_limits(weir, complaint);
	if (weir_wait_ready(weir, 0) || weir_read(weir, WEIR_REG_GENERATION) != weir->generation)
		return -EAGAIN;
	return err;
}

/**
 * weir_identify() - read what the function is and can do; at probe and after every reset
 * @weir: the function
 *
 * specs/reset.md, "Start of a function", steps 2 to 5.
 *
 * Return: 0 or a negative errno, dmesg says why.
 */
int weir_identify(struct weir_device *weir)
{
	unsigned long end = jiffies + msecs_to_jiffies(WEIR_READY_TIMEOUT_MS);
	const char *complaint = "";
	bool was_reset = false;
	int err;

	weir->certain = false;
	for (;;) {
		bool late = time_after(jiffies, end);

		err = weir_look(weir, &complaint);
		if (!err)
			return 0;
		if (err == -EIO && !was_reset) {
			dev_warn(weir->dev, "the firmware gave this function up, resetting it\n");
			was_reset = true;
			weir_soft_reset(weir);
		} else if (late) {
			break;
		}
		usleep_range(1000, 2000);
	}
	dev_err(weir->dev, "%s: error %d (magic %08x, version %08x)\n", complaint, err,
		readl(weir->registers + WEIR_REG_MAGIC),
		readl(weir->registers + WEIR_REG_ABI_VERSION));
	return err;
}

/* BARs and DMA. Not yet a bus master: the card may know memory of whoever had it before. */
static int weir_pci_setup(struct weir_device *weir)
{
	struct pci_dev *pdev = weir->pdev;
	int err;

	err = pci_enable_device_mem(pdev);
	if (err)
		return err;
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		goto err_disable;
	err = pci_request_mem_regions(pdev, weir->role->driver_name);
	if (err)
		goto err_disable;
	weir->registers_bytes =
		min_t(resource_size_t, pci_resource_len(pdev, WEIR_BAR_REGISTERS), SZ_1G);
	weir->doorbells_bytes =
		min_t(resource_size_t, pci_resource_len(pdev, WEIR_BAR_DOORBELLS), SZ_1G);
	err = -ENODEV;
	if (weir->registers_bytes < SZ_4K || weir->doorbells_bytes < SZ_4K) {
		dev_err(weir->dev, "BAR0 or BAR2 is missing or too small\n");
		goto err_regions;
	}
	err = -ENOMEM;
	weir->registers = pci_ioremap_bar(pdev, WEIR_BAR_REGISTERS);
	if (!weir->registers)
		goto err_regions;
	weir->doorbells = pci_ioremap_bar(pdev, WEIR_BAR_DOORBELLS);
	if (!weir->doorbells)
		goto err_registers;
	/* What a reset in the next steps puts back. */
	pci_save_state(pdev);
	return 0;

err_registers:
	iounmap(weir->registers);
err_regions:
	pci_release_mem_regions(pdev);
err_disable:
	pci_disable_device(pdev);
	return err;
}

static void weir_pci_undo(struct weir_device *weir)
{
	pci_clear_master(weir->pdev);
	iounmap(weir->doorbells);
	iounmap(weir->registers);
	pci_release_mem_regions(weir->pdev);
	pci_disable_device(weir->pdev);
}

static void weir_init_members(struct weir_device *weir, struct pci_dev *pdev,
			      const struct weir_role_ops *role)
{
	weir->pdev = pdev;
	weir->dev = &pdev->dev;
	weir->role = role;
	weir->workqueue = weir_workqueue;
	weir->msg_enable = NETIF_MSG_DRV | NETIF_MSG_PROBE | NETIF_MSG_LINK;
	weir->recovered_at = jiffies;
	weir->trusted = true;
	spin_lock_init(&weir->state_lock);
	mutex_init(&weir->filter_lock);
	mutex_init(&weir->moderation_lock);
	mutex_init(&weir->rules_lock);
	xa_init(&weir->rules);
	INIT_LIST_HEAD(&weir->flowers);
	INIT_LIST_HEAD(&weir->zombies);
	INIT_LIST_HEAD(&weir->zombie_rings);
	INIT_WORK(&weir->reset_work, weir_reset_work);
	INIT_WORK(&weir->event_work, weir_event_work);
	INIT_WORK(&weir->filter_work, weir_filter_work);
	/* Not deferrable: an idle machine would not notice that its function was reset, and is deaf. */
	INIT_DELAYED_WORK(&weir->service_work, weir_service_work);
}

/*
 * A crashed kernel or a careless driver may have left the function running, with DMA to memory that
 * is ours now.
 */
static int weir_take_over(struct weir_device *weir)
{
	if (!(weir_read(weir, WEIR_REG_ADMIN_CONTROL) & WEIR_REG_ADMIN_CONTROL_ENABLE_MASK))
		return 0;
	dev_info(weir->dev, "left running by whoever had it before: resetting it\n");
	return weir_function_level_reset(weir) ?: weir_identify(weir);
}

static int weir_stats_alloc(struct weir_device *weir)
{
	unsigned int i;

	weir->stats = kcalloc(weir->max_pairs, sizeof(*weir->stats), GFP_KERNEL);
	if (!weir->stats)
		return -ENOMEM;
	weir->stats_count = weir->max_pairs;
	for (i = 0; i < weir->stats_count; i++) {
		u64_stats_init(&weir->stats[i].rx.sync);
		u64_stats_init(&weir->stats[i].tx.sync);
		u64_stats_init(&weir->stats[i].tx_done.sync);
		u64_stats_init(&weir->stats[i].xdp.sync);
	}
	return weir_moderation_alloc(weir);
}

static void weir_stats_free(struct weir_device *weir)
{
	kfree(weir->moderation);
	kfree(weir->stats);
}

/* Where users can set it, it is what the kernel has until they do. */
#if WEIR_HAVE_RING_HDS_THRESHOLD
#define WEIR_DEFAULT_SPLIT_THRESHOLD 0
#else
#define WEIR_DEFAULT_SPLIT_THRESHOLD WEIR_RX_HEADER_BYTES
#endif

static void weir_default_config(struct weir_device *weir)
{
	unsigned int pairs = min_t(unsigned int, num_online_cpus(), WEIR_DEFAULT_PAIRS);

	pairs = min_t(unsigned int, pairs, weir->max_vectors - 1);
	weir->config.pairs = clamp_t(unsigned int, pairs, 1, weir->max_pairs);
	weir->config.rx_log2 =
		clamp_t(u8, WEIR_DEFAULT_RING_LOG2, weir->ring_min_log2, weir->ring_max_log2);
	weir->config.tx_log2 = weir->config.rx_log2;
	weir->config.rx_buffer_bytes = weir_rx_default_buffer_bytes();
	weir->config.rx_split_threshold = WEIR_DEFAULT_SPLIT_THRESHOLD;
}

/* What needs commands: identity, MAC, link. */
static int weir_ask(struct weir_device *weir)
{
	int err;

	err = weir_get_info(weir);
	if (!err)
		err = weir_filter_alloc(weir);
	if (!err)
		err = weir_mac_sync(weir);
	if (!err)
		err = weir_link_read(weir);
	return err;
}

/*
 * Starts the admin queue. A reset in between leaves nobody knowing whose it is: reset, once more
 * from the beginning.
 */
static int weir_first_start(struct weir_device *weir)
{
	unsigned int tries;
	int err;

	for (tries = 0; tries < WEIR_START_TRIES; tries++) {
		err = weir_admin_start(weir);
		if (err != -EAGAIN && err != -ETIMEDOUT)
			return err;
		err = weir_soft_reset(weir) ?: weir_identify(weir);
		if (err)
			return err;
	}
	return -EAGAIN;
}

/* Stops the function by force; one that is gone takes its second to be gone for sure. */
static bool weir_stop_for_good(struct weir_device *weir)
{
	unsigned long end = jiffies + msecs_to_jiffies(WEIR_STOP_TIMEOUT_MS);

	while (!weir_stop_by_force(weir)) {
		if (time_after(jiffies, end))
			return false;
		msleep(20);
	}
	return true;
}

/*
 * Ends the card's use of our memory (specs/reset.md, "Memory"), for remove and for probes that fail
 * late. A reset does it, and leaves the next driver a function without filters, flags and memory of
 * ours; only an FLR of the PF ends what was decided for its VFs as well. Without a reset the queues
 * were given back one by one, or wait among the zombies.
 *
 * Return: whether the memory is ours again. If not, it must stay as it is for ever.
 */
static bool weir_leave_card(struct weir_device *weir, bool reset)
{
	bool alive = weir_read(weir, WEIR_REG_STATUS) != WEIR_ALL_ONES;
	int err = alive ? weir_admin_stop(weir) : -ENODEV;
	bool stopped = true;

	weir_admin_abort(weir);
	weir_irq_teardown(weir);
	if (alive && reset)
		err = weir->role->is_vf ? weir_soft_reset(weir) : weir_function_level_reset(weir);
	else if (alive && !(list_empty(&weir->zombies) && list_empty(&weir->zombie_rings)))
		err = -EBUSY;
	if (alive && err)
		dev_warn(weir->dev, "the function does not let go of its queues: error %d\n", err);
	if (err)
		stopped = weir_stop_for_good(weir);
	if (!stopped)
		dev_err(weir->dev,
			"the function does not end its DMA: the memory it was given is lost\n");
	pci_clear_master(weir->pdev);
	return stopped;
}

/**
 * weir_probe() - bring a function up to where it takes commands
 * @pdev: the PCI function
 * @role: what differs between PF and VF driver
 * @role_data: what it keeps for this function
 *
 * Return: the function, DOWN, for weir_publish(), weir_abandon(); or ERR_PTR().
 */
struct weir_device *weir_probe(struct pci_dev *pdev, const struct weir_role_ops *role,
			       void *role_data)
{
	struct devlink *devlink =
		devlink_alloc(&weir_devlink_ops, sizeof(struct weir_device), &pdev->dev);
	struct weir_device *weir;
	bool stopped = true;
	int err;

	if (!devlink)
		return ERR_PTR(-ENOMEM);
	weir = devlink_priv(devlink);
	weir_init_members(weir, pdev, role);
	weir->role_data = role_data;

	err = weir_pci_setup(weir);
	if (err)
		goto err_devlink;
	err = weir_identify(weir);
	if (!err)
		err = weir_take_over(weir);
	if (err)
		goto err_pci;
	pci_set_master(pdev);
	/* What weir_restore_config() puts back after resets that nobody announced. */
	pci_save_state(pdev);
	err = weir_stats_alloc(weir);
	if (err)
		goto err_stats;
	weir_default_config(weir);
	err = weir_admin_alloc(weir);
	if (err)
		goto err_stats;
	err = -ENOMEM;
	if (!weir_netdev_alloc(weir))
		goto err_admin;
	weir_rss_init(weir);
	weir_low_latency_init(weir);
	/* Without a vector the admin queue is polled. */
	weir_irq_setup(weir, NULL);
	err = weir_first_start(weir);
	if (!err)
		err = weir_ask(weir);
	if (err)
		goto err_irq;
	pci_set_drvdata(pdev, weir);
	return weir;

err_irq:
	stopped = weir_leave_card(weir, role->is_vf || !pci_num_vf(pdev));
	cancel_work_sync(&weir->event_work);
	weir_filter_free(weir);
	free_netdev(weir->netdev);
err_admin:
	weir_admin_free(weir, stopped);
err_stats:
	weir_stats_free(weir);
err_pci:
	weir_pci_undo(weir);
err_devlink:
	devlink_free(devlink);
	return ERR_PTR(err);
}

/**
 * weir_abandon() - undo weir_probe()
 * @weir: the function, DOWN, its interface not registered (any more)
 */
void weir_abandon(struct weir_device *weir)
{
	bool vfs_stay = !weir->role->is_vf && pci_num_vf(weir->pdev);
	/* A reset of the PF would reset VFs that are in use elsewhere. */
	bool stopped = weir_leave_card(weir, !vfs_stay);

	cancel_work_sync(&weir->event_work);
	cancel_work_sync(&weir->filter_work);
	if (stopped)
		weir_data_free_zombies(weir);
	pci_set_drvdata(weir->pdev, NULL);
	weir_ntuple_clear(weir);
	weir_filter_free(weir);
	free_netdev(weir->netdev);
	weir_admin_free(weir, stopped);
	weir_stats_free(weir);
	weir_pci_undo(weir);
	mutex_destroy(&weir->rules_lock);
	mutex_destroy(&weir->moderation_lock);
	mutex_destroy(&weir->filter_lock);
	devlink_free(priv_to_devlink(weir));
}

/**
 * weir_publish() - register the interface and let the function live
 * @weir: from weir_probe()
 *
 * Return: 0; or a negative errno, the function is as before.
 */
int weir_publish(struct weir_device *weir)
{
	int err;

	weir_state_move(weir, BIT(WEIR_STATE_DOWN), WEIR_STATE_RUNNING);
	weir_time_register(weir);
	err = weir_params_register(weir);
	if (!err) {
		err = register_netdev(weir->netdev);
		if (err)
			weir_params_unregister(weir);
	}
	if (err) {
		weir_time_unregister(weir);
		weir_state_move(weir, ~0ul, WEIR_STATE_DOWN);
		cancel_work_sync(&weir->reset_work);
		return err;
	}
	devlink_register(priv_to_devlink(weir));
	weir_debugfs_add(weir);
	queue_delayed_work(weir->workqueue, &weir->service_work, round_jiffies_relative(HZ));
	netdev_info(weir->netdev, "%s, firmware %s, %u queue pairs, MAC %pM\n", weir->info.board,
		    weir->info.firmware, weir->max_pairs, weir->netdev->dev_addr);
	return 0;
}

/**
 * weir_remove() - undo weir_publish() and weir_probe(), with traffic on or the card gone
 * @weir: the function
 */
void weir_remove(struct weir_device *weir)
{
	weir_debugfs_remove(weir);
	devlink_unregister(priv_to_devlink(weir));
	weir_params_unregister(weir);

	/* From here on nobody asks for a reset; the lock waits for one that is under way. */
	weir_lock(weir);
	weir_state_move(weir, ~0ul, WEIR_STATE_DOWN);
	weir_unlock(weir);

	unregister_netdev(weir->netdev);
	weir_time_unregister(weir);
	cancel_work_sync(&weir->reset_work);
	cancel_delayed_work_sync(&weir->service_work);
	weir_abandon(weir);
}

/**
 * weir_shutdown() - the machine goes down: stop DMA and interrupts
 * @pdev: the PCI function
 */
void weir_shutdown(struct pci_dev *pdev)
{
	struct weir_device *weir = pci_get_drvdata(pdev);

	weir_hold(weir);
	weir_stop_by_force(weir);
}

static int weir_suspend(struct device *dev)
{
	struct weir_device *weir = dev_get_drvdata(dev);

	weir_hold(weir);
	/* The card keeps its queues' addresses, until weir_release() resets it. */
	weir_stop_by_force(weir);
	return 0;
}

static int weir_resume(struct device *dev)
{
	weir_release(dev_get_drvdata(dev));
	return 0;
}

const struct dev_pm_ops weir_pm_ops = {
	SYSTEM_SLEEP_PM_OPS(weir_suspend, weir_resume)
};
