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
	_, function, _ := strings.Cut(string(template), "\n  SearchFunction:\n")
	function, _, _ = strings.Cut(function, "\n\n")
	for _, want := range []string{"MemorySize: 1769 ", fmt.Sprintf("GOGC: 'off', GOMEMLIMIT: %dMiB", mostMemory>>20)} {
		if !strings.Contains(function, want) {
			t.Errorf("no %q in %.200q", want, function)
		}
	}
}
