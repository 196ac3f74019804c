package npz_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/tests/npz"
)

// npy writes a version 1 file.
func npy(kind, order, shape string, data any) []byte {
	h := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", kind, order, shape)
	raw := append([]byte("\x93NUMPY\x01\x00"), byte(len(h)), byte(len(h)>>8))
	raw, _ = binary.Append(append(raw, h...), binary.LittleEndian, data)
	return raw
}

func TestFortranOrderIsTransposed(t *testing.T) {
	a, err := npz.Parse(npy("<f8", "True", "(2, 3)", []float64{0, 3, 1, 4, 2, 5}))
	require.NoError(t, err)
	assert.Equal(t, []int{2, 3}, a.Shape)
	assert.Equal(t, []float64{0, 1, 2, 3, 4, 5}, a.Float)
}

func TestTypes(t *testing.T) {
	a, err := npz.Parse(npy("<c16", "False", "()", complex(1, -2)))
	require.NoError(t, err)
	assert.Empty(t, a.Shape)
	assert.Equal(t, []complex128{1 - 2i}, a.Complex)
	a, err = npz.Parse(npy("|b1", "False", "(2,)", []byte{0, 1}))
	require.NoError(t, err)
	assert.Equal(t, []int{0, 1}, a.Int)
	a, err = npz.Parse(npy("<i4", "False", "(1,)", []int32{-7}))
	require.NoError(t, err)
	assert.Equal(t, []int{-7}, a.Int)
	a, err = npz.Parse(npy("<f8", "False", "(0, 3)", []float64{}))
	require.NoError(t, err)
	assert.Empty(t, a.Float)
}

func TestBadFiles(t *testing.T) {
	for _, raw := range [][]byte{nil, []byte("PK"), npy("<f8", "False", "(2,)", []float64{1}), npy("<U4", "False", "(1,)", int32(0))} {
		_, err := npz.Parse(raw)
		assert.Error(t, err)
	}
}

func TestEveryReferenceFileReads(t *testing.T) {
	files, err := filepath.Glob("../reference/*.npz")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		f := npz.Load(t, path)
		for _, name := range f.Names() {
			for _, x := range f.Complex128s(name) {
				require.False(t, math.IsNaN(real(x)), "%s: %s", path, name)
			}
		}
	}
	d := npz.Load(t, "../reference/device_hall_bar.npz")
	assert.Equal(t, d.Shape("rows")[0], d.Shape("values")[1])
	assert.Equal(t, len(d.Float64s("energies")), d.Shape("values")[0])
	assert.Equal(t, 6, d.Int("leads"))
}
