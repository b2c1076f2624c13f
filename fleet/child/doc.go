// Package child starts programs that shall not outlive the one that started them,
// however that ends.
package child
