using System.CommandLine;

var command = new RootCommand("Finds objects in pictures with a Feature Pyramid Network, on whatever accelerator is there.");
return command.Parse(args).Invoke();
