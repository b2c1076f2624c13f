// Package extract turns the bytes of a file into what can be put before a model:
// its type, its text, its picture.
package extract
