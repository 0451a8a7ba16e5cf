/* SPDX-License-Identifier: MIT */
#include "export_private.h"

enum { GROUP = 64, ALIGNMENT = 16 };

bool tf_export_table_init(TfExportTable *table, uint64_t n_slots, uint64_t first_offset, GError **error)
{
	*table = (TfExportTable){.n = n_slots, .first_offset = first_offset, .end = first_offset};
	table->counts = g_try_new(uint32_t, n_slots + 1);
	table->sums = g_try_new(uint64_t, n_slots / GROUP + 1);
	if (table->counts && table->sums)
		return true;
	g_set_error(error, TF_ERROR, TF_ERROR_NO_MEMORY, "cannot allocate the table of %" G_GUINT64_FORMAT " tiles", n_slots);
	return false;
}

void tf_export_table_clear(TfExportTable *table)
{
	g_clear_pointer(&table->counts, g_free);
	g_clear_pointer(&table->sums, g_free);
}

/* Even is what TIFF wants; 16 lets samples of any size be mapped. */
uint64_t tf_export_align(uint64_t offset)
{
	return (offset + (ALIGNMENT - 1)) & ~(uint64_t)(ALIGNMENT - 1);
}

uint64_t tf_export_table_add(TfExportTable *table, uint32_t count)
{
	uint64_t offset = table->end;
	if (table->n_known % GROUP == 0)
		table->sums[table->n_known / GROUP] = offset;
	table->counts[table->n_known++] = count;
	table->end = tf_export_align(offset + count);
	return offset;
}

uint64_t tf_export_table_offset(const TfExportTable *table, uint64_t ordinal)
{
	uint64_t offset = table->sums[ordinal / GROUP];
	for (uint64_t i = ordinal / GROUP * GROUP; i < ordinal; i++)
		offset = tf_export_align(offset + table->counts[i]);
	return offset;
}
