// Where the npm packages are that the tests beside this folder install.
'use strict';

module.exports = `${__dirname}/../npm/node_modules`;
