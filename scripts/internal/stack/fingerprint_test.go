package stack

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFingerprintFollowsWhatIsDeployed(t *testing.T) {
	root := t.TempDir()
	s := &Stack{opts: Options{Root: root, Port: 8080}, secret: "s"}
	write := func(path, text string) {
		file := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	last := ""
	changed := func() bool {
		now, err := s.fingerprint()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { last = now }()
		return now != last
	}
	changed()
	for _, path := range []string{
		"template.yaml", "samconfig.toml", "go.mod", "go.sum", "functions/send-message/main.go",
		"shared/auth/words.txt", "fleet/template.yaml",
	} {
		write(path, "one")
		if !changed() {
			t.Errorf("%s is new, the fingerprint is the same", path)
		}
		write(path, "two")
		if !changed() {
			t.Errorf("%s has changed, the fingerprint is the same", path)
		}
	}
	for _, path := range []string{
		"functions/send-message/main_test.go", "shared/auth/testdata/key", "fleet/relay/main.go", "web/index.html",
		".data/log/aws.log", ".aws-sam/template.yaml", "README.md",
	} {
		write(path, "one")
		if changed() {
			t.Errorf("%s isn't deployed, yet it changes the fingerprint", path)
		}
	}
	s.opts.Port = 8081
	if !changed() {
		t.Error("a parameter has changed, the fingerprint is the same")
	}
}

func TestSecretIsKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	first, err := readSecret(file)
	if err != nil || len(first) != 64 {
		t.Fatalf("readSecret = %q, %v", first, err)
	}
	again, err := readSecret(file)
	if err != nil || again != first {
		t.Errorf("readSecret again = %q, %v; want %q", again, err, first)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}
