#!/bin/bash
# SPDX-License-Identifier: MIT
# OME-XML with stage positions, beside the tiles and in one of them.
. "$(dirname "$0")/../lib.sh"
need vips tiffset tiffinfo

make_tiles jpegs --columns=2 --rows=2 --tile-width=120 --tile-height=80
mkdir tiles
i=0
# a microscope's stage: y grows upwards, positions of the centres in mm and µm, 0.5 µm a pixel
{
	echo '<?xml version="1.0" encoding="UTF-8"?>'
	echo '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
	tail -n +2 jpegs.positions | while IFS=, read -r file x y; do
		vips tiffsave "$file" tiles/fov$i.ome.tif
		awk -v i=$i -v x="$x" -v y="$y" 'BEGIN {
			printf "<Image ID=\"Image:%d\"><Pixels ID=\"Pixels:%d\" SizeX=\"120\" SizeY=\"80\" SizeZ=\"1\" SizeC=\"3\" SizeT=\"1\" ", i, i
			printf "PhysicalSizeX=\"0.5\" PhysicalSizeY=\"500\" PhysicalSizeYUnit=\"nm\">"
			printf "<TiffData IFD=\"0\"><UUID FileName=\"fov%d.ome.tif\">urn:uuid:%d</UUID></TiffData>", i, i
			printf "<Plane TheZ=\"0\" TheC=\"0\" TheT=\"0\" PositionX=\"%.4f\" PositionXUnit=\"mm\" ", (x + 60) * 0.0005
			printf "PositionY=\"%.2f\" PositionYUnit=\"um\"/></Pixels></Image>\n", 7000 - (y + 40) * 0.5 }'
		i=$((i + 1))
	done
	echo '</OME>'
} >set.xml
{ echo file,x,y && tail -n +2 jpegs.positions | awk -F, '{ printf "fov%d.ome.tif,%d,%d\n", NR - 1, $2, $3 }'; } >expected
cp set.xml tiles/plate.companion.ome
tiffset -sf 270 set.xml tiles/fov0.ome.tif

for source in tiles tiles/plate.companion.ome tiles/fov0.ome.tif; do
	mount_tiffuse --flip-y --anchor=center $source
	assert_places expected
	assert_contains "$(tiffinfo "$FILE" 2>/dev/null | head -n 12)" "Resolution: 20000, 20000 pixels/cm" "resolution"
	unmount
	passed "positions and pixel size from $source"
done
[ "$(basename "$FILE")" = fov0.tif ] || fail "name of the mosaic: $FILE"
mount_tiffuse tiles
awk -F, 'NR == 1 { print } NR > 1 { print $1 "," $2 "," 80 - $3 }' expected >turned
assert_places turned
unmount
passed "without flip-y the rows are the other way round"

assert_fails "without ImageDescription" "$TIFFUSE" --check tiles/fov1.ome.tif
tiffset -s 270 "a TIFF" tiles/fov1.ome.tif
assert_fails "fov1.ome.tif:1: no XML" "$TIFFUSE" --check tiles/fov1.ome.tif
sed -i 's/IFD="0"/IFD="2"/' set.xml && tiffset -sf 270 set.xml tiles/fov2.ome.tif
assert_fails 'fov2.ome.tif:3: IFD="2", expected 0' "$TIFFUSE" --check tiles/fov2.ome.tif
echo text >tiles/none.ome.tif
assert_fails "no TIFF" "$TIFFUSE" --check tiles/none.ome.tif
passed "files that are none of a set"
