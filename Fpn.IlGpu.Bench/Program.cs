using BenchmarkDotNet.Running;
using Fpn.IlGpu.Bench;

// "detect [device]" times whole detections; anything else goes to BenchmarkDotNet ("--filter *" runs every operator).
if (args is ["detect", ..])
    DetectTiming.Run(args.Length > 1 ? args[1] : "cpu");
else
    BenchmarkSwitcher.FromAssembly(typeof(DetectTiming).Assembly).Run(args);
