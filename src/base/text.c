/* SPDX-License-Identifier: MIT */
#include <tiffuse/text.h>

#include <string.h>

static bool is_printable(gunichar c)
{
	switch (g_unichar_type(c)) {
	case G_UNICODE_CONTROL:
	case G_UNICODE_LINE_SEPARATOR:
	case G_UNICODE_PARAGRAPH_SEPARATOR:
		return false;
	default:
		return true;
	}
}

char *tf_text_printable(const char *text)
{
	GString *out = g_string_new(NULL);
	while (*text) {
		gunichar c = g_utf8_get_char_validated(text, -1);
		bool valid = c != (gunichar)-1 && c != (gunichar)-2;
		const char *next = valid ? g_utf8_next_char(text) : text + 1;
		if (valid && is_printable(c))
			g_string_append_len(out, text, next - text);
		else
			for (const char *byte = text; byte < next; byte++)
				g_string_append_printf(out, "\\x%02x", (guint8)*byte);
		text = next;
	}
	return g_string_free(out, FALSE);
}

bool tf_path_is_below(const char *path, const char *root)
{
	size_t len = strlen(root);
	return !strcmp(root, "/") || (!strncmp(path, root, len) && (path[len] == '/' || !path[len]));
}
