package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// What is measured as the function has it is what the template says.
func TestSearchIsMeasuredAsItIsDeployed(t *testing.T) {
	template, err := os.ReadFile("../../functions/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, wants := range map[string][]string{
		"Search":       {"MemorySize: 1769 ", fmt.Sprintf("GOGC: 'off', GOMEMLIMIT: %dMiB", searchMemory>>20)},
		"IndexHistory": {fmt.Sprintf("GOGC: 'off', GOMEMLIMIT: %dMiB", indexMemory>>20)},
	} {
		_, function, _ := strings.Cut(string(template), "\n  "+name+"Function:\n")
		function, _, _ = strings.Cut(function, "\n\n")
		for _, want := range wants {
			if !strings.Contains(function, want) {
				t.Errorf("%s: no %q in %.200q", name, want, function)
			}
		}
	}
}
