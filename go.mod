module mcd

go 1.26.8
