package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGenerated asks that the committed files are what the header gives now.
func TestGenerated(t *testing.T) {
	header, err := os.ReadFile(filepath.Join("..", "..", "include", "mcd.h"))
	require.NoError(t, err)
	for name, want := range Files(string(header)) {
		got, err := os.ReadFile(filepath.Join("..", name))
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), "run `go generate ./capi`")
	}
}

func TestArguments(t *testing.T) {
	all := prototypes("/* MCD_API mcd_status mcd_no(void); */ MCD_API mcd_status\n mcd_a(const double *x, size_t x_count,\n mcd_wire *out);\nMCD_API const char *mcd_b(void);")
	require.Len(t, all, 2)
	assert.Equal(t, []string{"x", "x_count", "out"}, arguments(all[0].parameters))
	assert.Empty(t, arguments(all[1].parameters))
}
