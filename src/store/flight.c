/* SPDX-License-Identifier: MIT */
#include <tiffuse/flight.h>

typedef struct {
	TfFlightFunc func;
	void *data;
} Waiter;

struct _TfFlight {
	GMutex lock;         /* guards what follows */
	GHashTable *waiting; /* id (gint64) -> GArray of Waiter */
};

TfFlight *tf_flight_new(void)
{
	TfFlight *flight = g_new0(TfFlight, 1);
	g_mutex_init(&flight->lock);
	flight->waiting = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	return flight;
}

void tf_flight_free(TfFlight *flight)
{
	if (!flight)
		return;
	g_assert(g_hash_table_size(flight->waiting) == 0);
	g_hash_table_unref(flight->waiting);
	g_mutex_clear(&flight->lock);
	g_free(flight);
}

bool tf_flight_join(TfFlight *flight, uint64_t id, TfFlightFunc func, void *data)
{
	Waiter waiter = {func, data};
	g_mutex_lock(&flight->lock);
	GArray *waiters = g_hash_table_lookup(flight->waiting, &id);
	bool first = !waiters;
	if (first) {
		waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
		g_hash_table_insert(flight->waiting, g_memdup2(&id, sizeof id), waiters);
	}
	if (func)
		g_array_append_val(waiters, waiter);
	g_mutex_unlock(&flight->lock);
	return first;
}

static bool remove_waiter(GArray *waiters, TfFlightFunc func, void *data)
{
	for (guint i = 0; waiters && i < waiters->len; i++) {
		Waiter *waiter = &g_array_index(waiters, Waiter, i);
		if (waiter->func == func && waiter->data == data) {
			g_array_remove_index(waiters, i);
			return true;
		}
	}
	return false;
}

bool tf_flight_leave(TfFlight *flight, uint64_t id, TfFlightFunc func, void *data, unsigned *waiters)
{
	g_mutex_lock(&flight->lock);
	GArray *waiting = g_hash_table_lookup(flight->waiting, &id);
	bool left = remove_waiter(waiting, func, data);
	*waiters = waiting ? waiting->len : 0;
	g_mutex_unlock(&flight->lock);
	return left;
}

unsigned tf_flight_waiters(TfFlight *flight, uint64_t id)
{
	g_mutex_lock(&flight->lock);
	GArray *waiting = g_hash_table_lookup(flight->waiting, &id);
	unsigned n = waiting ? waiting->len : 0;
	g_mutex_unlock(&flight->lock);
	return n;
}

bool tf_flight_forget(TfFlight *flight, uint64_t id)
{
	g_mutex_lock(&flight->lock);
	GArray *waiting = g_hash_table_lookup(flight->waiting, &id);
	bool idle = !waiting || waiting->len == 0;
	if (idle)
		g_hash_table_remove(flight->waiting, &id);
	g_mutex_unlock(&flight->lock);
	if (idle && waiting)
		g_array_free(waiting, TRUE);
	return idle;
}

static void tell(GArray *waiters, GBytes *bytes, const GError *error)
{
	for (guint i = 0; waiters && i < waiters->len; i++) {
		const Waiter *waiter = &g_array_index(waiters, Waiter, i);
		waiter->func(bytes, error, waiter->data);
	}
	if (waiters)
		g_array_free(waiters, TRUE);
}

void tf_flight_land(TfFlight *flight, uint64_t id, GBytes *bytes, const GError *error)
{
	g_mutex_lock(&flight->lock);
	GArray *waiters = g_hash_table_lookup(flight->waiting, &id);
	g_hash_table_remove(flight->waiting, &id);
	g_mutex_unlock(&flight->lock);
	tell(waiters, bytes, error);
}

void tf_flight_land_all(TfFlight *flight, const GError *error)
{
	g_mutex_lock(&flight->lock);
	g_autoptr(GList) all = g_hash_table_get_values(flight->waiting);
	g_hash_table_remove_all(flight->waiting);
	g_mutex_unlock(&flight->lock);
	for (GList *link = all; link; link = link->next)
		tell(link->data, NULL, error);
}
