// tokio: one thread, a task a connection, 64 KiB buffers, all answers to a read in one write. Echoes frames with a
// 2-byte length.
use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const HEADER: usize = 2;
const READ: usize = 64 * 1024;

async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut read = BytesMut::with_capacity(READ);
    let mut answers = BytesMut::with_capacity(READ);
    loop {
        if read.capacity() - read.len() < READ / 2 {
            read.reserve(READ);
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
        while read.len() >= HEADER {
            let size = HEADER + u16::from_be_bytes([read[0], read[1]]) as usize;
            if read.len() < size {
                break;
            }
            answers.extend_from_slice(&read[..size]);
            read.advance(size);
        }
        if !answers.is_empty() {
            stream.write_all(&answers).await?;
            answers.clear();
        }
    }
}

fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).expect("a port");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
        println!("listening");
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(serve(stream));
        }
    })
}
