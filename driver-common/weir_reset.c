// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets (specs/reset.md) as one state machine. weir->state, under state_lock, is:
 *
 *   DOWN          not started, or being removed. Nothing below happens.
 *   RUNNING       commands are taken; queues run while the interface is up.
 *   RESET_WANTED  somebody saw that the function was reset or must be: weir_reset_work() is queued.
 *   RECOVERING    weir_recover() or weir_release() is at work, under RTNL.
 *   HELD          the PCI core, AER or power management has the function in its hands.
 *   FAILED        recovery did not succeed; the service task tries again, at growing intervals.
 *
 *   DOWN         -> RUNNING       weir_publish()
 *   RUNNING      -> RESET_WANTED  weir_request_reset(), from any context
 *   FAILED       -> RESET_WANTED  weir_request_reset(WEIR_RESET_RETRY)
 *   RESET_WANTED -> RECOVERING    weir_recover()
 *   RECOVERING   -> RUNNING, FAILED
 *   any but DOWN -> HELD          weir_hold(); waits, for RTNL, until RECOVERING is over
 *   HELD         -> RECOVERING    weir_release()
 *   any          -> DOWN          weir_remove()
 *
 * While not RUNNING the interface is detached: the stack keeps all that the user set, and asks
 * nothing of it. Queue memory stays; after the reset the same queues are created again, and
 * filters, VLANs, MAC, MTU and flags told again. Memory is given back only when the card cannot
 * write to it any more: it was reset, or is no bus master.
 */
#include <linux/delay.h>

#include "weir_hw.h"
#include "weir_lock.h"

#define WEIR_STATE_BIT(state) BIT(WEIR_STATE_##state)
#define WEIR_RETRY_LONGEST_LOG2 6u /* 64 s */

static const char *weir_reset_text(enum weir_reset_reason reason)
{
	switch (reason) {
	case WEIR_RESET_TX_TIMEOUT:
		return "a transmit queue stands still";
	case WEIR_RESET_ADMIN_TIMEOUT:
		return "an admin command was not answered";
	case WEIR_RESET_IMPENDING:
		return "the card announced a reset";
	case WEIR_RESET_GENERATION:
		return "the function was reset by someone else";
	case WEIR_RESET_NOT_READY:
		return "the function is not ready any more";
	case WEIR_RESET_BAD_COMPLETION:
		return "the card wrote an impossible completion";
	case WEIR_RESET_QUEUE_STUCK:
		return "the card did not give a queue back, or start one";
	case WEIR_RESET_QUEUE_STOPPED:
		return "the card stopped a queue: its log says why ('weirctl log')";
	case WEIR_RESET_RETRY:
		return "the last recovery failed";
	case WEIR_RESET_BUS:
		return "reset on the bus";
	default:
		return "no reason";
	}
}

/* weir_state_get() - the state, as of now */
enum weir_state weir_state_get(struct weir_device *weir)
{
	return READ_ONCE(weir->state);
}

/**
 * weir_state_move() - go to another state
 * @weir: the function
 * @from_mask: states from which that is allowed, BIT(WEIR_STATE_…)
 * @to: the new state
 *
 * Return: whether it was allowed, and done.
 */
bool weir_state_move(struct weir_device *weir, unsigned long from_mask, enum weir_state to)
{
	unsigned long flags;
	bool allowed;

	spin_lock_irqsave(&weir->state_lock, flags);
	allowed = from_mask & BIT(weir->state);
	if (allowed)
		WRITE_ONCE(weir->state, to);
	spin_unlock_irqrestore(&weir->state_lock, flags);
	return allowed;
}

/**
 * weir_request_reset() - the function was reset, or must be
 * @weir: the function
 * @reason: for the log, and whether the card resets by itself
 *
 * From any context. Does nothing unless the function is RUNNING, as otherwise somebody is at it
 * already.
 */
void weir_request_reset(struct weir_device *weir, enum weir_reset_reason reason)
{
	unsigned long from = reason == WEIR_RESET_RETRY ? WEIR_STATE_BIT(FAILED)
							: WEIR_STATE_BIT(RUNNING);
	unsigned long flags;

	spin_lock_irqsave(&weir->state_lock, flags);
	if (from & BIT(weir->state)) {
		WRITE_ONCE(weir->state, WEIR_STATE_RESET_WANTED);
		WRITE_ONCE(weir->quiet, true);
		weir->reset_reason = reason;
		queue_work(weir->workqueue, &weir->reset_work);
	}
	spin_unlock_irqrestore(&weir->state_lock, flags);
}

/*
 * Stops all that is ours: no poll, transmission or command after this. Touches no register of the
 * card. Interrupts stay, as others may want them; their handlers find nothing to do.
 */
static void weir_quiesce(struct weir_device *weir)
{
	ASSERT_RTNL();
	netif_device_detach(weir->netdev);
	weir_admin_abort(weir);
	if (weir->data)
		weir_data_quiesce(weir, weir->data);
}

/* The card does not write to our memory any more. */
static void weir_dma_is_dead(struct weir_device *weir)
{
	if (weir->data)
		weir->data->dma_live = false;
	weir_data_free_zombies(weir);
}

/*
 * Waits until generation @before is over, and the function READY. Nothing else proves that the card
 * has forgotten our memory: registers that read all ones, or a STATUS that is not READY, come back
 * with the same generation where nobody was reset after all.
 */
static int weir_wait_reset(struct weir_device *weir, u32 before)
{
	unsigned long end = jiffies + msecs_to_jiffies(WEIR_READY_TIMEOUT_MS);

	for (;;) {
		bool late = time_after(jiffies, end);
		u32 generation = weir_read(weir, WEIR_REG_GENERATION);

		if (generation != before && generation != WEIR_ALL_ONES)
			return weir_wait_ready(weir, WEIR_READY_TIMEOUT_MS);
		if (late)
			return -ETIMEDOUT;
		usleep_range(500, 1000);
	}
}

/*
 * Waits until the function is READY, and reads the generation that it is in then: the last of the
 * two, so that it is not one that a reset is about to end unseen. -EIO with a generation: the
 * firmware gave the function up, and only a reset is obeyed.
 */
static int weir_look_again(struct weir_device *weir, u32 *generation)
{
	int err = weir_wait_ready(weir, WEIR_READY_TIMEOUT_MS);

	if (err && err != -EIO)
		return err;
	*generation = weir_read(weir, WEIR_REG_GENERATION);
	return *generation == WEIR_ALL_ONES ? -EAGAIN : err;
}

/**
 * weir_soft_reset() - reset the function by its own register
 * @weir: the function
 *
 * specs/reset.md, "Recovery", case C. It is obeyed a little later than written, and the old READY
 * proves nothing: what counts is the generation read before, whatever we believe it to be. A
 * function in reset would lose the request, so it is READY, or FAILED, when that is read.
 *
 * Return: 0, the function is READY and uses no memory that was given to it before; or a negative
 * errno.
 */
int weir_soft_reset(struct weir_device *weir)
{
	u32 before;
	int err = weir_look_again(weir, &before);

	if (err && err != -EIO)
		return err;
	weir_write(weir, WEIR_REG_CONTROL, WEIR_REG_CONTROL_SOFT_RESET_MASK);
	return weir_wait_reset(weir, before);
}

/*
 * Whether configuration space answers. A VF's does not once VF Enable is cleared, though its PF is
 * present.
 */
static bool weir_on_bus(struct weir_device *weir)
{
	u16 command;

	return pci_device_is_present(weir->pdev) &&
		!pci_read_config_word(weir->pdev, PCI_COMMAND, &command) && command != 0xffff;
}

static void weir_wait_on_bus(struct weir_device *weir)
{
	unsigned long end = jiffies + msecs_to_jiffies(WEIR_READY_TIMEOUT_MS);

	while (!weir_on_bus(weir) && time_before(jiffies, end) &&
	       !pci_dev_is_disconnected(pci_physfn(weir->pdev)))
		msleep(20);
}

static void weir_config_put_back(struct weir_device *weir)
{
	pci_restore_state(weir->pdev);
	pci_save_state(weir->pdev);
	pci_set_master(weir->pdev);
	weir->forced = false;
}

/*
 * A reset that the PCI core knows nothing of, or a reset of the PF, left configuration space as
 * after power-on. A function that was stopped by force must be reset before it is a bus master
 * again (specs/reset.md, "Memory", rule 3), unless lost memory decoding shows that it was. VFs with
 * a PF have none of their own to lose.
 */
static void weir_restore_config(struct weir_device *weir)
{
	bool decodes = weir->pdev->saved_config_space[PCI_COMMAND / 4] & PCI_COMMAND_MEMORY;
	u16 command;

	if (pci_read_config_word(weir->pdev, PCI_COMMAND, &command) || command & PCI_COMMAND_MASTER)
		return;
	if (weir->forced && (!decodes || command & PCI_COMMAND_MEMORY))
		return;
	weir_config_put_back(weir);
}

/**
 * weir_stop_by_force() - take bus mastering away, so that the card cannot touch our memory
 * @weir: the function
 *
 * specs/reset.md, "Memory", rules 3 and 4. Sleeps, up to a second, until what is in flight has
 * ended; but of a function that is gone it only notes since when, and is to be asked again.
 *
 * Return: whether nothing of the function is in flight any more, for sure.
 */
bool weir_stop_by_force(struct weir_device *weir)
{
	pci_clear_master(weir->pdev);
	weir->forced = true;
	if (weir_on_bus(weir)) {
		weir->gone = false;
		/* All ones, where it goes right now, read as pending. */
		return pci_wait_for_pending_transaction(weir->pdev);
	}
	if (!weir->gone) {
		weir->gone = true;
		weir->gone_at = jiffies;
	}
	return time_after(jiffies, weir->gone_at + HZ);
}

/**
 * weir_function_level_reset() - reset the function by the bus, without a word to its driver
 * @weir: the function
 *
 * specs/reset.md, "Causes". Of a PF it also ends its VFs, and what was decided for them; the PCI
 * core's VFs come back.
 *
 * Return: 0, the function is READY and uses no memory that was given to it before; or a negative
 * errno.
 */
int weir_function_level_reset(struct weir_device *weir)
{
	int err = pcie_flr(weir->pdev);

	/* Not reset, it may still know our memory: it must not be a bus master again. */
	if (err)
		return err;
	weir_config_put_back(weir);
	return weir_wait_ready(weir, WEIR_READY_TIMEOUT_MS);
}

/*
 * Sees to it that the function is READY and uses no memory that we gave it (specs/reset.md,
 * "Recovery"). Resets it only if nobody else did, or nobody knows.
 */
static int weir_renew(struct weir_device *weir, enum weir_reset_reason reason)
{
	u32 generation;
	int err;

	if (!weir_on_bus(weir))
		return -ENODEV;
	weir->gone = false;
	weir_restore_config(weir);
	/* An announced reset comes by itself, soon. If it does not, the next lines see that. */
	if (reason == WEIR_RESET_IMPENDING && weir->certain)
		weir_wait_reset(weir, weir->generation);
	/*
	 * Only another generation, and that for sure, tells that it was reset. What cannot be read
	 * tells nothing.
	 */
	err = weir_look_again(weir, &generation);
	if (!err && (!weir->certain || generation == weir->generation))
		err = weir_soft_reset(weir);
	if (!err) {
		if (weir->forced)
			weir_config_put_back(weir);
		return 0;
	}
	if (!weir_on_bus(weir))
		return -ENODEV;

	dev_warn(weir->dev, "not ready (%d), trying a function level reset\n", err);
	return weir_function_level_reset(weir);
}

/* Builds everything up again on a function that was reset. */
static int weir_rebuild(struct weir_device *weir)
{
	int err;

	err = weir_identify(weir);
	if (err)
		return err;
	weir_dma_is_dead(weir);
	weir_filter_forget(weir);
	weir_contexts_forget(weir);
	weir_rules_forget(weir);
	/*
	 * Configuration space may have been reset without the PCI core, and the MSI-X table with
	 * it.
	 */
	if (weir->vectors_count)
		pci_restore_msi_state(weir->pdev);
	else
		weir_irq_setup(weir, NULL);
	err = weir_admin_start(weir);
	/* First what was decided for VFs, as they may be running already. */
	if (!err && weir->role->restart)
		err = weir->role->restart(weir);
	if (!err)
		err = weir_get_info(weir);
	/* The card may have been without power. */
	if (!err)
		weir_time_start(weir);
	if (!err)
		err = weir_mac_sync(weir);
	if (!err && weir->data)
		err = weir_data_start(weir, weir->data);
	return err;
}

/* Recovery failed: make the card harmless, give the stack its frames back, try again later. */
static void weir_give_up(struct weir_device *weir, int err)
{
	weir_quiesce(weir);
	if (weir_stop_by_force(weir)) {
		weir_dma_is_dead(weir);
		if (weir->data)
			weir_data_drop_frames(weir, weir->data);
	}
	if (weir->retries == 1) {
		dev_err(weir->dev, "recovery failed: error %d%s; trying on, less and less often\n",
			err, err == -ENODEV ? ", the function does not answer on the bus" : "");
		weir_link_lost(weir);
	}
	weir->retry_at = jiffies + (HZ << min(weir->retries, WEIR_RETRY_LONGEST_LOG2));
	weir->retries++;
}

/* From RECOVERING to RUNNING or FAILED. */
static int weir_bring_back(struct weir_device *weir, enum weir_reset_reason reason)
{
	unsigned long start = jiffies;
	int err;

	err = weir_renew(weir, reason);
	if (!err)
		err = weir_rebuild(weir);
	if (err) {
		weir_give_up(weir, err);
		weir_state_move(weir, WEIR_STATE_BIT(RECOVERING), WEIR_STATE_FAILED);
		return err;
	}
	weir->retries = 0;
	weir->resets++;
	weir->recovered_at = jiffies;
	weir_state_move(weir, WEIR_STATE_BIT(RECOVERING), WEIR_STATE_RUNNING);
	netif_device_attach(weir->netdev);
	/* Addresses and modes may have changed while nobody could be told. */
	queue_work(weir->workqueue, &weir->filter_work);
	dev_info(weir->dev, "recovered within %u ms, generation %u\n",
		 jiffies_to_msecs(jiffies - start), weir->generation);
	return 0;
}

/**
 * weir_recover() - do what weir_request_reset() asked for
 * @weir: the function; nothing is done unless it is RESET_WANTED. Under RTNL
 *
 * Return: 0; or a negative errno, the function is FAILED then.
 */
int weir_recover(struct weir_device *weir)
{
	enum weir_reset_reason reason = weir->reset_reason;

	if (!weir_state_move(weir, WEIR_STATE_BIT(RESET_WANTED), WEIR_STATE_RECOVERING))
		return 0;
	if (!weir->retries)
		dev_warn(weir->dev, "reset: %s\n", weir_reset_text(reason));
	weir_quiesce(weir);
	return weir_bring_back(weir, reason);
}

/**
 * weir_reset_work() - weir_recover() in a context of its own
 * @work: weir->reset_work
 */
void weir_reset_work(struct work_struct *work)
{
	struct weir_device *weir = container_of(work, struct weir_device, reset_work);
	int err;

	do {
		/*
		 * A VF vanishes from the bus while its PF is being reset. Wait for it here, where
		 * nobody else has to.
		 */
		if (weir->reset_reason != WEIR_RESET_RETRY)
			weir_wait_on_bus(weir);
		weir_lock(weir);
		err = weir_recover(weir);
		weir_unlock(weir);
		/* It may have vanished just then: the first failure says little. */
	} while (err == -ENODEV && weir->retries == 1 &&
		 weir_state_move(weir, WEIR_STATE_BIT(FAILED), WEIR_STATE_RESET_WANTED));
}

/**
 * weir_hold() - let somebody else reset the function, or put it to sleep
 * @weir: the function
 *
 * Takes RTNL. After it nothing of ours runs, until weir_release().
 */
void weir_hold(struct weir_device *weir)
{
	weir_lock(weir);
	if (weir_state_move(weir, ~WEIR_STATE_BIT(DOWN), WEIR_STATE_HELD))
		weir_quiesce(weir);
	weir_unlock(weir);
}

/**
 * weir_release() - take the function back from whoever had it, and recover
 * @weir: HELD; nothing is done otherwise
 */
void weir_release(struct weir_device *weir)
{
	weir_lock(weir);
	if (weir_state_move(weir, WEIR_STATE_BIT(HELD), WEIR_STATE_RECOVERING)) {
		pci_save_state(weir->pdev);
		weir_bring_back(weir, WEIR_RESET_BUS);
	}
	weir_unlock(weir);
}

/* --- PCI error handlers: FLR by the PCI core (sysfs, vfio), and AER --- */

static void weir_reset_prepare(struct pci_dev *pdev)
{
	weir_hold(pci_get_drvdata(pdev));
}

static void weir_reset_done(struct pci_dev *pdev)
{
	weir_release(pci_get_drvdata(pdev));
}

static pci_ers_result_t weir_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct weir_device *weir = pci_get_drvdata(pdev);

	dev_warn(weir->dev, "PCIe error, channel state %d\n", state);
	weir_hold(weir);
	if (state == pci_channel_io_perm_failure)
		return PCI_ERS_RESULT_DISCONNECT;
	return PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t weir_slot_reset(struct pci_dev *pdev)
{
	struct weir_device *weir = pci_get_drvdata(pdev);

	pci_restore_state(pdev);
	pci_save_state(pdev);
	pci_set_master(pdev);
	return weir_wait_ready(weir, WEIR_READY_TIMEOUT_MS) ? PCI_ERS_RESULT_DISCONNECT
							    : PCI_ERS_RESULT_RECOVERED;
}

static void weir_error_resume(struct pci_dev *pdev)
{
	weir_release(pci_get_drvdata(pdev));
}

const struct pci_error_handlers weir_error_handlers = {
	.error_detected = weir_error_detected,
	.slot_reset = weir_slot_reset,
	.resume = weir_error_resume,
	.reset_prepare = weir_reset_prepare,
	.reset_done = weir_reset_done,
};
