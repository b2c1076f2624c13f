package runtimeapi

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// BuildEnv is how Go programs are built wherever they run: static, without symbols
// and paths of this machine, without the RPC mode of the retired go1.x runtime.
var BuildEnv = []string{"CGO_ENABLED=0", `GOFLAGS=-trimpath -tags=lambda.norpc "-ldflags=-s -w"`}

// Build compiles functions/<name> of the module whose root is given. Flags are added
// to the compiler's. It returns the binary's path, <dir>/<name>.
func Build(ctx context.Context, root, dir, name string, flags ...string) (string, error) {
	binary := filepath.Join(dir, name)
	args := append([]string{"build", "-o", binary}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "./functions/"+name)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), BuildEnv...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return binary, nil
}

// Root is the module's folder, found from the working directory upwards.
func Root() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = up
	}
	return "", err
}
