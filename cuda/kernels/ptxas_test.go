package kernels

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ptxas finds NVIDIA's assembler on the path or in .peers/ptxas.
func ptxas(t *testing.T) string {
	if path, err := exec.LookPath("ptxas"); err == nil {
		return path
	}
	found, err := filepath.Glob("../../.peers/ptxas/nvidia/*/bin/ptxas")
	require.NoError(t, err)
	if len(found) == 0 {
		t.Skip("ptxas is not installed: pip install --target .peers/ptxas nvidia-cuda-nvcc-cu12")
	}
	path, err := filepath.Abs(found[0])
	require.NoError(t, err)
	return path
}

// The assembler accepts the PTX for every generation, a block's registers fit a multiprocessor as often as launch bounds say, and
// the table of docs/gpu/kernels.md is what the assembler says if it is of the release named there.
func TestAssembled(t *testing.T) {
	assembler := ptxas(t)
	version, err := exec.Command(assembler, "--version").Output()
	require.NoError(t, err)
	text, err := PTX()
	require.NoError(t, err)
	source := filepath.Join(t.TempDir(), "kernels.ptx")
	require.NoError(t, os.WriteFile(source, []byte(text), 0o644))
	bounds := map[string]int{}
	for _, m := range regexp.MustCompile(`(?s)\.entry (\w+)\(.*?\.minnctapersm (\d)`).FindAllStringSubmatch(text, -1) {
		bounds[m[1]], _ = strconv.Atoi(m[2])
	}
	table, err := os.ReadFile("../../docs/gpu/kernels.md")
	require.NoError(t, err)
	named := regexp.MustCompile(`ptxas (\d+\.\d+)`).FindStringSubmatch(string(table))
	require.NotNil(t, named)
	known := strings.Contains(string(version), "release "+named[1]+",")
	listed := 0
	for column, arch := range []string{"sm_70", "sm_80", "sm_90", "sm_120"} {
		out, err := exec.Command(assembler, "-v", "-arch="+arch, "-o", filepath.Join(t.TempDir(), arch), source).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.NotContains(t, string(out), "warning")
		for _, m := range regexp.MustCompile(`(?s)entry function '(\w+)'.*?(\d+) bytes spill stores.*?Used (\d+) registers`).FindAllStringSubmatch(string(out), -1) {
			registers, err := strconv.Atoi(m[3])
			require.NoError(t, err)
			require.LessOrEqual(t, registers*Threads*max(bounds[m[1]], 1), 64<<10, "%s on %s", m[1], arch)
			row := regexp.MustCompile(`(?m)^\| ` + m[1] + ` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|`).FindStringSubmatch(string(table))
			if known && row != nil && column < 3 {
				require.Equal(t, fmt.Sprintf("%s (%s)", m[3], m[2]), row[column+1], "%s on %s", m[1], arch)
				listed++
			}
		}
	}
	require.True(t, !known || listed > 20, "the table of docs/gpu/kernels.md is not found")
}
