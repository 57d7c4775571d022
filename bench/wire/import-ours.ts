// What it costs to load the package.
export * from 'sluice';
