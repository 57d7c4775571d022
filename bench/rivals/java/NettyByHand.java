import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollEventLoopGroup;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.util.List;

/**
 * Netty: one event loop (epoll's own where its library is there), reads of 64 KiB, all answers to them in one buffer and
 * one flush. Echoes frames with a 2-byte length.
 */
public final class NettyByHand {
  private static final int HEADER = 2;
  private static final int READ = 64 * 1024;

  /** Cuts by hand: the decoder that comes with Netty makes a buffer a frame. */
  private static final class Echo extends ByteToMessageDecoder {
    private ByteBuf answers;

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> none) {
      while (in.readableBytes() >= HEADER) {
        int size = HEADER + in.getUnsignedShort(in.readerIndex());
        if (in.readableBytes() < size) return;
        if (answers == null) answers = context.alloc().ioBuffer(READ);
        answers.writeBytes(in, size);
      }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) throws Exception {
      if (answers != null) {
        context.writeAndFlush(answers, context.voidPromise());
        answers = null;
      }
      super.channelReadComplete(context);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
      context.channel().config().setAutoRead(context.channel().isWritable());
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close();
    }
  }

  public static void main(String[] args) throws InterruptedException {
    boolean epoll = Epoll.isAvailable();
    EventLoopGroup loop = epoll ? new EpollEventLoopGroup(1) : new NioEventLoopGroup(1);
    Class<? extends ServerChannel> channel = epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    new ServerBootstrap()
        .group(loop)
        .channel(channel)
        .option(ChannelOption.SO_BACKLOG, 511)
        .childOption(ChannelOption.TCP_NODELAY, true)
        .childOption(ChannelOption.ALLOCATOR, PooledByteBufAllocator.DEFAULT)
        .childOption(ChannelOption.RCVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(READ))
        .childHandler(
            new ChannelInitializer<SocketChannel>() {
              @Override
              protected void initChannel(SocketChannel accepted) {
                accepted.pipeline().addLast(new Echo());
              }
            })
        .bind("127.0.0.1", Integer.parseInt(args[0]))
        .sync();
    System.out.println("listening (" + (epoll ? "epoll" : "nio") + ")");
  }
}
