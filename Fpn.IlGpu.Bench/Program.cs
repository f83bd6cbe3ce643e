using System.CommandLine;
using Fpn.IlGpu.Bench;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

var root = new RootCommand("Measures detections, kernels and operators, alone or alternating with torchvision.")
{
    DetectBench.Create(),
    LadderBench.Create(),
    GradientBench.Create(),
    StepBench.Create(),
    OperatorBench.Create(),
    ScaleBench.Create(),
    PyramidBench.Create(),
    LoadTiming.Create(),
    FirstDetection.Create(),
    RandomResNet50.CreateCommand(),
};

try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception e) when (e is BenchException or DeviceException or WeightsException)
{
    Console.Error.WriteLine($"bench: {e.Message}");
    return 1;
}
