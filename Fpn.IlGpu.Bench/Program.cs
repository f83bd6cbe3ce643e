using BenchmarkDotNet.Running;
using Fpn.IlGpu.Bench;

// "detect [device]" times whole detections, "load FILE [device]" the loading of a checkpoint; anything else
// goes to BenchmarkDotNet ("--filter *" runs every operator).
if (args is ["detect", ..])
    DetectTiming.Run(args.Length > 1 ? args[1] : "cpu");
else if (args is ["load", var file, ..])
    LoadTiming.Run(file, args.Length > 2 ? args[2] : "cpu");
else
    BenchmarkSwitcher.FromAssembly(typeof(DetectTiming).Assembly).Run(args);
