module sluice-bench-rival

go 1.19
