using System.Text;

using Fpn.IlGpu.Cli;

StandardStreams.Prepare();
if (OperatingSystem.IsWindows())
{
    // The console's default code page lacks the multiplication sign and arrows.
    Console.OutputEncoding = Encoding.UTF8;
}
return FpnCommand.Run(args);
