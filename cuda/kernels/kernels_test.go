package kernels

import (
	"compress/gzip"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every kernel that abi.h names is in the PTX, with one parameter, and no other.
func TestEntries(t *testing.T) {
	text, err := PTX()
	require.NoError(t, err)
	var found []string
	for _, m := range regexp.MustCompile(`(?m)^\.visible \.entry (\w+)\(\n\s*\.param \.u64(?: \.ptr[^\n]*)? \w+_param_0\n\)`).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	require.Equal(t, slices.Sorted(maps.Keys(Entries)), found)
}

// No kernel calls anything: stacks and calls would cost registers and need a linker.
func TestSelfContained(t *testing.T) {
	text, err := PTX()
	require.NoError(t, err)
	require.NotRegexp(t, `(?m)^\.(func|extern \.func)`, text)
}

// The committed PTX is what its source gives.
func TestGenerated(t *testing.T) {
	output := filepath.Join(t.TempDir(), "kernels.ptx.gz")
	if out, err := exec.Command("./build.sh", output).CombinedOutput(); err != nil {
		if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == 2 {
			t.Skipf("%s", out)
		}
		t.Fatalf("%v\n%s", err, out)
	}
	committed, err := PTX()
	require.NoError(t, err)
	file, err := os.Open(output)
	require.NoError(t, err)
	defer file.Close()
	r, err := gzip.NewReader(file)
	require.NoError(t, err)
	fresh, err := io.ReadAll(r)
	require.NoError(t, err)
	require.True(t, committed == string(fresh), "kernels.ptx.gz is not what kernels.cu gives: go generate ./cuda/kernels")
}
