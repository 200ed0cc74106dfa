// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI-X vectors (specs/pcie.md, "MSI-X"). A function takes one vector, for the admin queue,
 * until its interface goes up; then one more for each queue pair, or as many as there are: hosts
 * with many VFs run out of vectors. Pairs then share them, and with a single one left they share it
 * with the admin queue.
 *
 * Vectors are armed by doorbells and fire once, so a shared interrupt needs no masking: it wakes
 * everybody whom it may concern, and those with nothing to do arm it again.
 */
#include <linux/slab.h>

#include "weir_hw.h"

static irqreturn_t weir_irq(int irq, void *argument)
{
	struct weir_vector *vector = argument;
	struct weir_data *data = vector->data;
	unsigned int i;

	if (vector->index == 0)
		weir_admin_service(vector->weir);
	if (data)
		for (i = vector->first; i < data->config.pairs; i += vector->step) {
			struct weir_pair_stats *stats = &vector->weir->stats[i];

			WRITE_ONCE(stats->interrupts, stats->interrupts + 1);
			napi_schedule_irqoff(&data->pairs[i]->napi);
		}
	return IRQ_HANDLED;
}

/* Decides which vector serves which pairs. */
static void weir_irq_assign(struct weir_device *weir, struct weir_data *data, unsigned int count)
{
	const char *name = weir->netdev && netif_device_present(weir->netdev) && data
		? weir->netdev->name
		: pci_name(weir->pdev);
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct weir_vector *vector = &weir->vectors[i];

		vector->weir = weir;
		vector->index = i;
		vector->irq = pci_irq_vector(weir->pdev, i);
		if (count == 1) {
			vector->data = data;
			vector->first = 0;
			vector->step = 1;
		} else if (i > 0) {
			vector->data = data;
			vector->first = i - 1;
			vector->step = count - 1;
		}
		if (i == 0)
			snprintf(vector->name, sizeof(vector->name), "weir-%s",
				 pci_name(weir->pdev));
		else
			snprintf(vector->name, sizeof(vector->name), "%s-%u", name, i - 1);
	}
	for (i = 0; data && i < data->config.pairs; i++)
		data->pairs[i]->vector = count == 1 ? 0 : 1 + i % (count - 1);
}

static void weir_irq_hint(struct weir_device *weir, struct weir_vector *vector)
{
	unsigned int cpu;

	if (!vector->data)
		return;
	cpu = cpumask_local_spread(vector->first, dev_to_node(weir->dev));
	irq_set_affinity_and_hint(vector->irq, cpumask_of(cpu));
}

static void weir_irq_free(struct weir_device *weir, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		irq_update_affinity_hint(weir->vectors[i].irq, NULL);
		free_irq(weir->vectors[i].irq, &weir->vectors[i]);
	}
	kfree(weir->vectors);
	weir->vectors = NULL;
	pci_free_irq_vectors(weir->pdev);
}

/*
 * Takes up to @wanted vectors. The PCI core may give more than processors have room for: that shows
 * when the interrupts are requested. Return: how many could be had; fewer than were taken if
 * another round with that many is needed, nothing is taken then.
 */
static int weir_irq_take(struct weir_device *weir, struct weir_data *data, unsigned int wanted,
			 unsigned int *taken)
{
	int count = pci_alloc_irq_vectors(weir->pdev, 1, wanted, PCI_IRQ_MSIX);
	int i, err;

	*taken = 0;
	if (count < 0)
		return count;
	weir->vectors = kcalloc(count, sizeof(*weir->vectors), GFP_KERNEL);
	if (!weir->vectors) {
		pci_free_irq_vectors(weir->pdev);
		return -ENOMEM;
	}
	weir_irq_assign(weir, data, count);
	for (i = 0; i < count; i++) {
		err = request_irq(weir->vectors[i].irq, weir_irq, 0, weir->vectors[i].name,
				  &weir->vectors[i]);
		if (err) {
			weir_irq_free(weir, i);
			return i ?: err;
		}
		weir_irq_hint(weir, &weir->vectors[i]);
	}
	*taken = count;
	return count;
}

/**
 * weir_irq_setup() - take vectors and point them at who is served
 * @weir: the function, without vectors
 * @data: queue pairs that want vectors too, their napi added; NULL: the admin queue only
 *
 * Return: 0; -ENOSPC if there is no vector to be had; or a negative errno. Undone by
 * weir_irq_teardown().
 */
int weir_irq_setup(struct weir_device *weir, struct weir_data *data)
{
	unsigned int wanted = data ? min_t(unsigned int, 1 + data->config.pairs, weir->max_vectors)
				   : 1;
	unsigned int taken;
	int had = wanted;

	do {
		had = weir_irq_take(weir, data, had, &taken);
	} while (had > 0 && !taken);
	if (had < 0) {
		dev_warn(
			weir->dev,
			"no interrupt vector to be had (%d): take VFs down, or give the machine more CPUs\n",
			had);
		return had;
	}
	if (taken < wanted)
		dev_info(weir->dev, "%u of %u interrupt vectors to be had: queues share them\n",
			 taken, wanted);
	weir->vectors_count = taken;
	weir_admin_rearm(weir);
	return 0;
}

/**
 * weir_irq_teardown() - give all vectors back; no handler runs any more
 * @weir: the function; may have none
 */
void weir_irq_teardown(struct weir_device *weir)
{
	unsigned int count = weir->vectors_count;

	weir->vectors_count = 0;
	if (count)
		weir_irq_free(weir, count);
}
