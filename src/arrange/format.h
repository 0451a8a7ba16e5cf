/* SPDX-License-Identifier: MIT
 *
 * What an arrangement format is: one file in this folder with one constant
 * TfArrangeFormat, named in the table of detect.c.  The order of that table
 * is the order in which a folder is searched.
 */
#pragma once
#include "names.h"
#include <tiffuse/arrange.h>

typedef struct {
	const char *name;
	bool takes_grid_options; /* columns=, order= and overlap= mean something */
	bool takes_tree;         /* tree= means something */
	bool takes_axes;         /* flip-x and flip-y; for positions also anchor= and pixel-size= */

	/* Looks for the format in a folder.  Sets *path (the caller frees it) to
	 * the arrangement file or to the folder itself, or leaves it NULL when
	 * the folder has none; false with an error when it is in doubt.  NULL for
	 * formats that are read only when their file is named. */
	bool (*find)(const TfFolder *folder, char **path, GError **error);

	/* Is a file of this format?  By its name, by its first line that is
	 * neither blank nor a comment ("" when there is none), and by all of its
	 * first 64 KiB.  NULL for formats that are folders. */
	bool (*recognise)(const char *name, const char *first_line, const char *head);

	/* Fills `arrangement`: places, summary and all that is particular to the
	 * format; origin, format and default_name are set already.  `folder` is
	 * the searched folder, or NULL when SOURCE was the file. */
	bool (*read)(TfArrangement *arrangement, const TfFolder *folder, const TfArrangeOptions *options,
		     GError **error);
} TfArrangeFormat;

/* Is the file in the folder one that a format recognises? */
bool tf_arrange_recognises(const char *folder, const char *name);

/* A TIFF that may tell in OME-XML of all files of its set. */
bool tf_is_ome_tiff(const char *name);

extern const TfArrangeFormat tf_format_fiji;
extern const TfArrangeFormat tf_format_mist;
extern const TfArrangeFormat tf_format_vrt;
extern const TfArrangeFormat tf_format_dzi;
extern const TfArrangeFormat tf_format_zoomify;
extern const TfArrangeFormat tf_format_tree;
extern const TfArrangeFormat tf_format_iiif;
extern const TfArrangeFormat tf_format_ome;
extern const TfArrangeFormat tf_format_hugin;
extern const TfArrangeFormat tf_format_girder;
extern const TfArrangeFormat tf_format_qupath;
extern const TfArrangeFormat tf_format_world;
extern const TfArrangeFormat tf_format_csv;
extern const TfArrangeFormat tf_format_names;
