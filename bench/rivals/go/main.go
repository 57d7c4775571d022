// Go: a goroutine a connection, 64 KiB buffers, and a flush only when all that has come is answered. Echoes frames with
// a 2-byte length. The processor affinity is the number of Ps: one.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"os"
)

const (
	header = 2
	buffer = 64 * 1024
)

func serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReaderSize(conn, buffer)
	out := bufio.NewWriterSize(conn, buffer)
	var long []byte
	for {
		head, err := in.Peek(header)
		if err != nil {
			return
		}
		size := header + int(binary.BigEndian.Uint16(head))
		// A frame that lies whole in the buffer is not copied.
		if size <= buffer {
			if in.Buffered() < size && out.Buffered() > 0 && out.Flush() != nil {
				return
			}
			frame, err := in.Peek(size)
			if err != nil {
				return
			}
			if _, err := out.Write(frame); err != nil {
				return
			}
			in.Discard(size)
		} else {
			if cap(long) < size {
				long = make([]byte, size)
			}
			if out.Flush() != nil {
				return
			}
			if _, err := io.ReadFull(in, long[:size]); err != nil {
				return
			}
			if _, err := out.Write(long[:size]); err != nil {
				return
			}
		}
		if in.Buffered() < header && out.Flush() != nil {
			return
		}
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening")
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(conn)
	}
}
