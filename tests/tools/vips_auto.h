/* SPDX-License-Identifier: MIT
 *
 * g_autoptr() for libvips' images, under a name of our own: newer versions of
 * libvips define the cleanup of VipsImage themselves, 8.14 does not.
 */
#pragma once
#include <vips/vips.h>

typedef VipsImage AutoImage;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AutoImage, g_object_unref)
