import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
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
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;

/**
 * Netty with its own frame decoder: one event loop (epoll's own where its library is there), reads of 64 KiB, all answers
 * to them in one buffer and one flush. Echoes frames with a 2-byte length.
 */
public final class NettyEcho {
  private static final int HEADER = 2;
  private static final int READ = 64 * 1024;

  /** Answers each frame, and flushes when all that was read is answered. */
  private static final class Echo extends ChannelInboundHandlerAdapter {
    private ByteBuf answers;

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf frame = (ByteBuf) message;
      if (answers == null) answers = context.alloc().ioBuffer(READ);
      answers.writeShort(frame.readableBytes()).writeBytes(frame);
      frame.release();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      if (answers != null) {
        context.writeAndFlush(answers, context.voidPromise());
        answers = null;
      }
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
                accepted.pipeline().addLast(new LengthFieldBasedFrameDecoder(65_535 + HEADER, 0, HEADER, 0, HEADER), new Echo());
              }
            })
        .bind("127.0.0.1", Integer.parseInt(args[0]))
        .sync();
    System.out.println("listening (" + (epoll ? "epoll" : "nio") + ")");
  }
}
