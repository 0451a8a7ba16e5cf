/* SPDX-License-Identifier: MIT
 *
 * Single flight: many may want a thing that is being made; it is made once and
 * all are told.  A failure reaches all who waited and is not kept.
 *
 * Threads: any.  Lock: its own, a leaf: callbacks run outside it.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Called once per join, by the thread that lands the flight.  Either bytes
 * (borrowed) or error is set. */
typedef void (*TfFlightFunc)(GBytes *bytes, const GError *error, void *data);

typedef struct _TfFlight TfFlight;

TfFlight *tf_flight_new(void);
void tf_flight_free(TfFlight *flight); /* none may be in the air */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TfFlight, tf_flight_free)

/* Waits for `id`; func may be NULL, which keeps the flight in the air without
 * waiting.  true: nobody made it yet, the caller must see to it that
 * tf_flight_land() is called. */
bool tf_flight_join(TfFlight *flight, uint64_t id, TfFlightFunc func, void *data);

/* Takes one waiter off; false if it was not there (any more): it has been or
 * is just being told.  *waiters is the number of those left. */
bool tf_flight_leave(TfFlight *flight, uint64_t id, TfFlightFunc func, void *data, unsigned *waiters);

unsigned tf_flight_waiters(TfFlight *flight, uint64_t id);

/* Forgets the flight if nobody waits for it; false if somebody does. */
bool tf_flight_forget(TfFlight *flight, uint64_t id);

/* Lands everything that is in the air with the error. */
void tf_flight_land_all(TfFlight *flight, const GError *error);

/* Tells all waiters and forgets the flight; nothing where there is none. */
void tf_flight_land(TfFlight *flight, uint64_t id, GBytes *bytes, const GError *error);
