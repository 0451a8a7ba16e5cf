# SPDX-License-Identifier: MIT
# Rows of one case and program to the one with the median wall time, and the
# ratio of each wall time to tiffuse's on the same input (above 1: slower).

function pick(key, n, i, j, swap, list) {
	n = count[key]
	for (i = 1; i <= n; i++)
		list[i] = row[key, i]
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && wall(list[j]) < wall(list[j - 1]); j--) {
			swap = list[j]
			list[j] = list[j - 1]
			list[j - 1] = swap
		}
	return list[int((n + 1) / 2)]
}

# Failed runs come last, so that the median is of those that worked if most did.
function wall(line, field) {
	split(line, field, "\t")
	return field[3] == "failed" ? 1e9 : field[3] + 0
}

{
	key = $1 "\t" $2
	if (!(key in count))
		order[++keys] = key
	row[key, ++count[key]] = $0
}

END {
	print "| case | program | wall s | CPU s | peak MB | cores busy | file MB | pixels | wall against tiffuse |"
	print "|---|---|---|---|---|---|---|---|---|"
	for (k = 1; k <= keys; k++) {
		split(order[k], name, "\t")
		split(pick(order[k]), f, "\t")
		if (name[2] == "tiffuse" && f[3] != "failed")
			ours[name[1]] = f[3]
		if (f[3] == "failed") {
			printf "| %s | %s | failed | | | | | | |\n", name[1], name[2]
			continue
		}
		ratio = ours[name[1]] > 0 ? sprintf("%.2f", f[3] / ours[name[1]]) : "-"
		printf "| %s | %s | %.1f | %.1f | %.0f | %s%% | %s | %s | %s |\n", name[1], name[2], f[3], f[4], f[5], f[6], f[7], f[8], ratio
	}
}
