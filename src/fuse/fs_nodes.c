/* SPDX-License-Identifier: MIT */
#include "fs_nodes.h"

#include <string.h>

typedef struct {
	fuse_ino_t ino;
	char *key;         /* what the number stands for */
	char *path;        /* in the mount, of a folder */
	TfMember *member;  /* of a mosaic */
	uint64_t lookups;  /* that the kernel has not forgotten */
	char *fingerprint; /* of the pages that the kernel may have */
} Node;

struct _Nodes {
	GMutex lock;         /* guards what follows */
	GHashTable *numbers; /* ino -> Node */
};

static void node_free(gpointer data)
{
	Node *node = data;
	g_free(node->key);
	g_free(node->path);
	g_free(node->fingerprint);
	g_free(node);
}

Nodes *tf_nodes_new(void)
{
	Nodes *nodes = g_new0(Nodes, 1);
	g_mutex_init(&nodes->lock);
	nodes->numbers = g_hash_table_new_full(NULL, NULL, NULL, node_free);
	return nodes;
}

void tf_nodes_free(Nodes *nodes)
{
	if (!nodes)
		return;
	g_hash_table_unref(nodes->numbers);
	g_mutex_clear(&nodes->lock);
	g_free(nodes);
}

static char *key_of(const char *path, const char *source)
{
	return source ? g_strconcat("mosaic ", source, NULL) : g_strconcat("folder ", path, NULL);
}

/* FNV-1a; the small numbers are ours. */
static fuse_ino_t number_of_key(const char *key)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (const char *c = key; *c; c++)
		h = (h ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	return h < TF_INO_END ? h + TF_INO_END : h;
}

fuse_ino_t tf_node_number(const char *path, const char *source)
{
	g_autofree char *key = key_of(path, source);
	return number_of_key(key);
}

static Node *find_locked(Nodes *nodes, fuse_ino_t ino)
{
	return g_hash_table_lookup(nodes->numbers, GSIZE_TO_POINTER(ino));
}

fuse_ino_t tf_nodes_add(Nodes *nodes, const char *path, const char *source, TfMember *member)
{
	g_autofree char *key = key_of(path, source);
	fuse_ino_t ino = number_of_key(key);
	g_mutex_lock(&nodes->lock);
	Node *node;
	while ((node = find_locked(nodes, ino)) && strcmp(node->key, key) != 0)
		ino = ino + 1 < TF_INO_END ? TF_INO_END : ino + 1;
	if (!node) {
		node = g_new0(Node, 1);
		*node = (Node){.ino = ino, .key = g_steal_pointer(&key), .path = g_strdup(path), .member = member};
		g_hash_table_insert(nodes->numbers, GSIZE_TO_POINTER(ino), node);
	}
	node->lookups++;
	g_mutex_unlock(&nodes->lock);
	return ino;
}

void tf_nodes_forget(Nodes *nodes, fuse_ino_t ino, uint64_t n)
{
	g_mutex_lock(&nodes->lock);
	Node *node = find_locked(nodes, ino);
	if (node) {
		node->lookups -= MIN(n, node->lookups);
		if (node->lookups == 0)
			g_hash_table_remove(nodes->numbers, GSIZE_TO_POINTER(ino));
	}
	g_mutex_unlock(&nodes->lock);
}

char *tf_nodes_folder(Nodes *nodes, fuse_ino_t ino)
{
	if (ino == TF_INO_ROOT)
		return g_strdup("");
	g_mutex_lock(&nodes->lock);
	const Node *node = find_locked(nodes, ino);
	char *path = node && !node->member ? g_strdup(node->path) : NULL;
	g_mutex_unlock(&nodes->lock);
	return path;
}

TfMember *tf_nodes_member(Nodes *nodes, fuse_ino_t ino)
{
	g_mutex_lock(&nodes->lock);
	const Node *node = find_locked(nodes, ino);
	TfMember *member = node ? node->member : NULL;
	g_mutex_unlock(&nodes->lock);
	return member;
}

bool tf_nodes_keep_pages(Nodes *nodes, fuse_ino_t ino, const char *fingerprint)
{
	g_mutex_lock(&nodes->lock);
	Node *node = find_locked(nodes, ino);
	bool same = node && g_strcmp0(node->fingerprint, fingerprint) == 0;
	if (node && !same) {
		g_free(node->fingerprint);
		node->fingerprint = g_strdup(fingerprint);
	}
	g_mutex_unlock(&nodes->lock);
	return same;
}
